//! The waterfall: a topic's share from stage to stage, each step with its interval.

use super::axis::{Axis, Extent, short};
use super::canvas::{Canvas, Colour, Described, Side, cut, lines_of, picture};
use super::curve::interval;
use super::{ABOVE, BELOW, GREY, GRID, INK, UNSURE};
use crate::decompose::{Step, TopicWaterfall, WaterfallReport};
use crate::error::Error;
use crate::statistic::Scale;

const LEFT: i32 = 76;
/// The width of a step.
const STEP: i32 = 150;
const BAR: i32 = 54;
const PANEL: i32 = 260;
const LINE: i32 = 18;

impl WaterfallReport {
    /// The waterfall of a topic, as SVG: the topic's share at each stage on a logarithmic axis, so that
    /// equal factors are equally high; a bar for each step with its interval, which is about the factor,
    /// drawn from the share before; and one for the total.
    ///
    /// Bars to or from a share of zero run to the edge, and intervals without an end are arrows. A step
    /// without a value is a cross.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a topic that the report does not have.
    pub fn to_svg(&self, topic: &str) -> Result<String, Error> {
        let waterfall = self.waterfall(topic).ok_or_else(|| Error::Parameter {
            parameter: "what is to be drawn",
            value: format!("{topic:?}"),
            expected: "a topic of the report",
        })?;
        let title = format!("Waterfall of topic {topic:?}, arm {:?}", self.arm());
        let sentence = waterfall.sentence();
        let description = format!("{} {sentence}", self.sentence());
        let steps: Vec<&Step> = waterfall.steps.iter().chain([&waterfall.total]).collect();
        let width = (LEFT + STEP * steps.len() as i32 + 30).max(560);
        let heading = lines_of(&title, (f64::from(width) / 9.5) as usize, 6);
        let below = 46 + LINE * (heading.len() as i32 - 1);
        let words = lines_of(&sentence, (f64::from(width) / 7.0) as usize, 4);
        let top = below + 6 + LINE * words.len() as i32 + 26;
        let bottom = top + PANEL;
        let described = Described { title: &title, description: &description };
        Ok(picture((width, bottom + 110), &described, |canvas| {
            for (line, at) in heading.iter().zip(0..) {
                canvas.text(line, (16, 22 + LINE * at), 16, INK, Side::Left);
            }
            for (line, at) in words.iter().zip(0..) {
                canvas.text(line, (16, below + LINE * at), 12, GREY, Side::Left);
            }
            canvas.text("share", (16, top - 18), 12, GREY, Side::Left);
            panel(canvas, waterfall, &steps, (width - 20, bottom, top));
            let note = "Filled: the interval leaves no change out. Lines: intervals of the factor.";
            canvas.text(note, (16, bottom + 92), 12, GREY, Side::Left);
        }))
    }
}

/// The logarithm of a share; nothing is infinitely far down.
fn log(share: Option<f64>) -> Option<f64> {
    share.map(f64::ln)
}

/// The ends of a step's interval as shares: the share before times the factor.
fn ends(step: &Step) -> Option<(f64, f64)> {
    let before = log(step.estimate.baseline.share).filter(|share| share.is_finite())?;
    let its = step.estimate.interval.ok()?;
    let end = |end: Option<f64>, open: f64| end.map_or(open, |end| before + end);
    Some((end(its.low, f64::NEG_INFINITY), end(its.high, f64::INFINITY)))
}

fn panel(
    canvas: &mut Canvas,
    waterfall: &TopicWaterfall,
    steps: &[&Step],
    (right, bottom, top): (i32, i32, i32),
) {
    let shares = waterfall.stages.iter().map(|stage| {
        let share = log(stage.share);
        Extent { value: share.map(|share| (share, share)), low: None, high: None }
    });
    let intervals = steps.iter().map(|step| {
        let finite = |end: f64| end.is_finite().then_some(end);
        let ends = ends(step);
        Extent {
            value: None,
            low: ends.and_then(|its| finite(its.0)),
            high: ends.and_then(|its| finite(its.1)),
        }
    });
    let extents: Vec<Extent> = shares.chain(intervals).collect();
    let axis = Axis::over(Scale::Log, &extents, None, (bottom, top));
    for (at, share) in axis.ticks().into_iter().filter(|(_, share)| *share <= 1.0) {
        canvas.line(&[(LEFT, at), (right, at)], GRID, 1);
        let words = format!("{}%", short(100.0 * share));
        canvas.text(&words, (LEFT - 8, at), 12, GREY, Side::Right);
    }
    for (step, at) in steps.iter().zip(0..) {
        let middle = LEFT + STEP * at + STEP / 2;
        bar(canvas, step, &axis, (middle, bottom, top));
        let is_total = at as usize + 1 == steps.len();
        // Where the next begins.
        if at as usize + 2 < steps.len()
            && let Some(after) = log(step.estimate.treatment.share)
        {
            let height = axis.place(after);
            canvas.dashes([(middle + BAR / 2, height), (middle + STEP - BAR / 2, height)], GREY);
        }
        let name =
            if is_total { "total".to_owned() } else { format!("{} to {}", step.from, step.to) };
        labels(canvas, step, &name, (middle, bottom));
    }
    // The total is another way from the same beginning.
    let between = LEFT + STEP * (steps.len() as i32 - 1);
    canvas.line(&[(between, top), (between, bottom + 70)], GRID, 1);
}

fn colour(step: &Step) -> Colour {
    match (step.excludes_no_change(), step.estimate.value.number()) {
        (true, Some(log)) if log > 0.0 => ABOVE,
        (true, _) => BELOW,
        (false, _) => UNSURE,
    }
}

fn bar(canvas: &mut Canvas, step: &Step, axis: &Axis, (x, bottom, top): (i32, i32, i32)) {
    let shares = [step.estimate.baseline.share, step.estimate.treatment.share].map(log);
    let ([Some(before), Some(after)], Some(_)) = (shares, step.estimate.value.number()) else {
        return canvas.cross((x, bottom - 10), 5, UNSURE);
    };
    let colour = colour(step);
    let [from, to] = [before, after].map(|share| axis.place(share));
    let corners = [(x - BAR / 2, from.min(to) - 1), (x + BAR / 2, from.max(to) + 1)];
    match step.excludes_no_change() {
        true => canvas.rectangle(corners, colour),
        // An empty bar is not sure.
        false => {
            let [(left, high), (right, low)] = corners;
            canvas.line(
                &[(left, high), (right, high), (right, low), (left, low), (left, high)],
                colour,
                2,
            );
        }
    }
    if let Some(ends) = ends(step) {
        interval(canvas, axis, ends, (x, 4), (bottom, top), INK);
    }
}

/// What a step is, and what it comes to.
fn labels(canvas: &mut Canvas, step: &Step, name: &str, (x, bottom): (i32, i32)) {
    let factor = |log: f64| crate::base::text::number(log.exp());
    let value = match step.estimate.value.number() {
        Some(log) => format!("times {}", factor(log)),
        None => "no value".to_owned(),
    };
    let ends = match &step.estimate.interval {
        Ok(its) => match (its.low.map(factor), its.high.map(factor)) {
            (Some(low), Some(high)) => format!("{low} to {high}"),
            (Some(low), None) => format!("{low} or more"),
            (None, Some(high)) => format!("{high} or less"),
            (None, None) => "no bounds".to_owned(),
        },
        Err(_) => "no interval".to_owned(),
    };
    canvas.text(&cut(name, 26), (x, bottom + 18), 12, INK, Side::Middle);
    canvas.text(&value, (x, bottom + 38), 12, INK, Side::Middle);
    canvas.text(&ends, (x, bottom + 56), 12, GREY, Side::Middle);
}
