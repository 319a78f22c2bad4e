//! The report as one page that needs nothing else: no script, no font, no picture from elsewhere
//! (its own content policy forbids all of that). Every text from outside goes through maud, which
//! escapes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::picture::{MOST_PICTURES, Picture, Shape, Subject};
use super::timeline::timeline;
use super::{ClipEntry, Report};
use crate::replay::score::Score;

const STYLE: &str = include_str!("style.css");

#[must_use]
pub fn html(report: &Report, pictures: &[Picture]) -> String {
    let wrong = report.clips.iter().filter(|clip| has_fault(clip)).count();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; img-src data:; style-src 'unsafe-inline'";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Parapet replay gate: " (verdict(report)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (header(report, wrong))
                main {
                    (tables(report))
                    h2 { "Clips" }
                    (legend())
                    @for (number, clip) in report.clips.iter().enumerate() {
                        (clip_section(number, clip, pictures))
                    }
                    @if pictures.len() >= MOST_PICTURES {
                        p.quiet { "Only the first " (MOST_PICTURES) " pictures are shown." }
                    }
                }
            }
        }
    };
    page.into_string()
}

fn verdict(report: &Report) -> &'static str {
    if report.passed { "passed" } else { "failed" }
}

fn has_fault(clip: &ClipEntry) -> bool {
    clip.failure.is_some() || clip.score.missed > 0 || clip.score.false_alarms > 0
}

fn header(report: &Report, wrong: usize) -> Markup {
    let total = &report.total;
    let minutes = total.camera_hours * 60.0;
    html! {
        header {
            h1 { "Replay gate " span class=(format!("verdict {}", verdict(report))) { (verdict(report)) } }
            p.quiet {
                (report.clips.len()) " clips, " (format!("{minutes:.1}")) " camera minutes, "
                (total.expected) " expected events, " (wrong) " clips with a fault. "
                "F1 = (α+1)·R·P / (R+α·P), α = " (report.alpha) "."
            }
            @if !report.reasons.is_empty() {
                ul.reasons { @for reason in &report.reasons { li { (reason) } } }
            }
            div.tiles {
                (tile("F1", &number(total.f1, 3), "recall-biased mean"))
                (tile("Recall", &percent(total.recall), &bounds(total)))
                (tile("Precision", &percent(total.precision),
                    &format!("{} false alarms", total.false_alarms)))
                (tile("Latency p50", &seconds(total.latency_p50_seconds),
                    &format!("p99 {}", seconds(total.latency_p99_seconds))))
                (tile("False alarms", &number(total.false_alarms_per_hour, 2), "per camera-hour"))
            }
        }
    }
}

fn tile(name: &str, value: &str, below: &str) -> Markup {
    html! {
        div.tile {
            div.name { (name) }
            div.value { (value) }
            div.quiet { (below) }
        }
    }
}

fn bounds(score: &Score) -> String {
    score
        .detection_bounds
        .map_or_else(String::new, |[low, high]| {
            format!("95 %: {:.1}–{:.1} %", low * 100.0, high * 100.0)
        })
}

fn tables(report: &Report) -> Markup {
    let groups = [
        ("By rule kind", &report.by_kind),
        ("By condition", &report.by_condition),
        ("By rule kind and condition", &report.by_kind_and_condition),
        ("By note (events only)", &report.by_note),
    ];
    html! {
        @for (name, scores) in groups {
            @if !scores.is_empty() {
                h2 { (name) }
                (table(scores))
            }
        }
    }
}

fn table(scores: &[Score]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th.left { "" } th { "clips" } th { "events" } th { "hit" } th { "missed" }
                th { "false" } th { "repeat" } th { "precision" } th { "recall" }
                th.left { "detection probability, 95 %" } th { "F1" }
                th { "p50" } th { "p99" } th { "false/h" }
            } }
            tbody { @for score in scores { tr {
                th.left { (score.name) }
                td { (score.clips) } td { (score.expected) } td { (score.hits) }
                td.bad[score.missed > 0] { (score.missed) }
                td.bad[score.false_alarms > 0] { (score.false_alarms) }
                td { (score.repeats) }
                td { (percent(score.precision)) } td { (percent(score.recall)) }
                td.left { (interval(score)) }
                td { b { (number(score.f1, 3)) } }
                td { (seconds(score.latency_p50_seconds)) }
                td { (seconds(score.latency_p99_seconds)) }
                td { (number(score.false_alarms_per_hour, 2)) }
            } } }
        } }
    }
}

/// A bar from 0 to 1 with the interval and the estimate in it.
fn interval(score: &Score) -> Markup {
    let (Some([low, high]), Some(recall)) = (score.detection_bounds, score.recall) else {
        return html! { "–" };
    };
    let x = |share: f64| format!("{:.2}", 4.0 + share * 112.0);
    html! {
        svg.interval viewBox="0 0 120 14" role="img" aria-label=(bounds(score)) {
            line.track x1="4" x2="116" y1="7" y2="7" {}
            line.range x1=(x(low)) x2=(x(high)) y1="7" y2="7" {}
            circle.point cx=(x(recall)) cy="7" r="4" {}
        }
        span.quiet { (format!("{:.3}–{:.3}", low, high)) }
    }
}

fn legend() -> Markup {
    html! {
        ul.legend {
            li { i.bar.hit {} "expected, hit" }
            li { i.bar.missed {} "expected, missed" }
            li { i.bar.window {} "the alarm may come here" }
            li { svg viewBox="0 0 14 14" { path.alarm.hit d="M7 1 l6 11 h-12 z" {} } "alarm that hits" }
            li { svg viewBox="0 0 14 14" { path.alarm.repeat d="M3 7 a4 4 0 1 0 8 0 a4 4 0 1 0 -8 0 z" {} } "repeated or ignored" }
            li { svg viewBox="0 0 14 14" { path.alarm.late d="M7 1 l6 6 l-6 6 l-6 -6 z" {} } "too late" }
            li { svg viewBox="0 0 14 14" { path.alarm.false d="M2 2 l10 10 m0 -10 l-10 10" {} } "false" }
        }
    }
}

fn clip_section(number: usize, clip: &ClipEntry, pictures: &[Picture]) -> Markup {
    let faulty = has_fault(clip);
    let own: Vec<&Picture> = pictures.iter().filter(|p| p.clip == number).collect();
    html! {
        details open[faulty] class=(if faulty { "clip fault" } else { "clip" }) {
            summary {
                b { (clip.name) }
                @for word in &clip.conditions { span.chip { (word) } }
                span.quiet {
                    (clip.camera) " · " (format!("{:.1}", clip.seconds)) " s · "
                    (clip.score.hits) "/" (clip.score.expected) " hit"
                    @if clip.score.false_alarms > 0 { ", " (clip.score.false_alarms) " false" }
                    @if clip.score.repeats > 0 { ", " (clip.score.repeats) " repeated" }
                }
            }
            @if let Some(failure) = &clip.failure {
                p.bad { "could not be played: " (failure) }
            } @else {
                (timeline(clip))
                @if !own.is_empty() {
                    div.pictures { @for picture in own { (figure(clip, picture)) } }
                }
            }
        }
    }
}

fn figure(clip: &ClipEntry, picture: &Picture) -> Markup {
    let (class, heading, rule) = match picture.subject {
        Subject::Missed(n) => {
            let event = clip.events.get(n);
            let heading = event.map(|e| {
                let note = e.note.as_ref().map(|note| format!(" ({note})"));
                format!("missed: {}{}", e.kind, note.unwrap_or_default())
            });
            ("missed", heading, event.and_then(|e| e.rule.clone()))
        }
        Subject::Wrong(n) => {
            let alarm = clip.alarms.get(n);
            let heading = alarm.map(|a| format!("{}: {}", a.outcome.word(), a.kind));
            ("false", heading, alarm.and_then(|a| a.rule.clone()))
        }
    };
    html! {
        figure class=(class) {
            (drawing(picture))
            figcaption {
                b { (heading.unwrap_or_default()) }
                @if let Some(rule) = rule { " · " (rule) }
                span.quiet { " · " (format!("{:.2} s", picture.at.as_secs_f64())) }
            }
        }
    }
}

/// The picture with the rule's shapes and everybody's boxes over it, in the picture's pixels.
fn drawing(picture: &Picture) -> Markup {
    let (across, down) = (
        f64::from(picture.size.width.max(1)),
        f64::from(picture.size.height.max(1)),
    );
    // Lines and letters keep their drawn size whatever the picture's.
    let unit = across / 640.0;
    let pixels = |x: f32, y: f32| (f64::from(x) * across, f64::from(y) * down);
    html! {
        svg.still viewBox=(format!("0 0 {across} {down}")) role="img" aria-label="the moment" {
            @match &picture.jpeg {
                Some(jpeg) => image width=(across) height=(down)
                    href=(format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg))) {},
                None => rect.blank width=(across) height=(down) {},
            }
            @for shape in &picture.shapes { (outline(shape, unit, &pixels)) }
            @for seen in &picture.boxes {
                @let area = seen.box_in_frame;
                @let (left, top) = pixels(area.left, area.top);
                @let (width, height) = pixels(area.width, area.height);
                rect class=(if seen.counts { "box" } else { "box tentative" })
                    x=(tenth(left)) y=(tenth(top)) width=(tenth(width)) height=(tenth(height))
                    stroke-width=(tenth(2.2 * unit)) {}
                text.tag x=(tenth(left)) y=(tenth((top - 4.0 * unit).max(16.0 * unit)))
                    font-size=(tenth(16.0 * unit)) {
                    (seen.track.0) " · " (format!("{:.2}", seen.score))
                }
            }
        }
    }
}

fn outline(shape: &Shape, unit: f64, pixels: &dyn Fn(f32, f32) -> (f64, f64)) -> Markup {
    let mut path = String::new();
    for (n, point) in shape.points.iter().enumerate() {
        let (x, y) = pixels(point.x, point.y);
        path.push_str(if n == 0 { "M" } else { "L" });
        path.push_str(&format!("{} {} ", tenth(x), tenth(y)));
    }
    if shape.closed {
        path.push('Z');
    }
    html! {
        path class=(if shape.closed { "shape zone" } else { "shape" }) d=(path.trim_end())
            stroke-width=(tenth(2.4 * unit)) { title { (shape.name) } }
    }
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{:.1} %", value * 100.0))
}

fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2} s"))
}
