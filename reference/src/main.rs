//! x
fn main() {
    println!("{}", serde_json::to_string_pretty(&tiltmeter::StudyFile::json_schema()).unwrap());
}
