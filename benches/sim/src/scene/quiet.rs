//! A scene that begins later, after a time in which nobody is there.

use super::{Scene, Step};

impl Scene {
    /// Everything that is scripted happens so many seconds later. What moves from the scene's begin on, as
    /// a cloud's shadow may, does so in the time before it too.
    pub fn begin_quietly(&mut self, seconds: f64) {
        self.seconds += seconds;
        for actor in &mut self.actors {
            actor.appears += seconds;
            for step in &mut actor.steps {
                if let Step::WaitUntil { second, .. } = step {
                    *second += seconds;
                }
            }
        }
        for distractor in &mut self.distractors {
            distractor.begin_later(seconds);
        }
        for fault in &mut self.faults {
            fault.from += seconds;
            fault.until += seconds;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{GroundTruth, Timeline, parse};

    const SCENE: &str = r#"
seed = 5
seconds = 20
place = "yard"

[[actor]]
name = "walker"
at = [0, 12]
appears_seconds = 2
script = [{ walk = [[3, 12]] }, { wait_until = 12 }, { walk = [[0, 12]] }]

[[distractor]]
kind = "cat"
path = [[-3, 14], [3, 14]]
from = 4
until = 9

[[distractor]]
kind = "shadow"
path = [[-3, 18], [3, 18]]
"#;

    #[test]
    fn after_the_quiet_all_is_as_it_was() {
        let scene = parse(Path::new("yard.toml"), SCENE).expect("sound");
        let mut later = scene.clone();
        later.begin_quietly(30.0);
        let (now, then) = (Timeline::new(&scene), Timeline::new(&later));
        for second in [0.0, 1.0, 3.0, 7.0, 11.0, 15.0, 19.0] {
            let (early, late) = (now.moment(second), then.moment(second + 30.0));
            assert_eq!(early.people.len(), late.people.len(), "{second}");
            for (one, other) in early.people.iter().zip(&late.people) {
                assert_eq!(one.position, other.position, "{second}");
            }
            assert_eq!(early.things.len(), late.things.len(), "{second}");
            let before = then.moment(second);
            assert!(before.people.is_empty());
            assert_eq!(before.things.len(), 1, "the shadow");
        }
        let (due, later) = (GroundTruth::of(&now).due, GroundTruth::of(&then).due);
        assert_eq!(due.len(), later.len());
        for (one, other) in due.iter().zip(&later) {
            assert!((one.start + 30.0 - other.start).abs() < 1e-6);
        }
    }
}
