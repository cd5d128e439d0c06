//! Off-policy estimates: against other programs, closed forms, plain loops and simulations of known
//! truth.

mod errors;
mod golden;
mod logs;
mod properties;
mod simulation;
mod states;
