//! Lines, zones and calibrations: points of the picture that make sense.

use std::collections::BTreeMap;

use super::problem::Spot;
use super::reader::Table;
use super::types::shape::{Calibration, Line, Mask, Zone};
use crate::model::geometry::Point;
use crate::model::ids::ZoneName;

/// A zone smaller than this part of the picture is a slip of the pen (21 pixels of 1080p).
const MIN_ZONE_AREA: f64 = 1e-5;
/// Three calibration points nearer to one line than this (twice the triangle's area; parts of the
/// picture, square metres) fix no plane.
const MIN_TRIANGLE_PICTURE: f64 = 1e-4;
const MIN_TRIANGLE_GROUND: f64 = 0.01;
const MAX_POINTS: usize = 1_000;

/// The lines and zones of one camera. A wrong one is kept by name as `None`, so that its rules
/// are not blamed as well.
#[derive(Default)]
pub(super) struct Shapes<'f> {
    pub(super) lines: BTreeMap<ZoneName, Option<Line>>,
    pub(super) zones: BTreeMap<ZoneName, Option<Zone>>,
    places: BTreeMap<ZoneName, Spot<'f>>,
}

impl<'f> Shapes<'f> {
    /// Reads `[[camera.line]]` and `[[camera.zone]]`; `picture` is width and height in pixels
    /// where points are given in pixels.
    pub(super) fn read(camera: &Table<'f>, picture: Option<[f64; 2]>) -> Self {
        let mut shapes = Self::default();
        for table in camera.tables("line") {
            if let Some((name, points)) = shapes.read_one(&table, picture) {
                let line = points.and_then(|points| {
                    check_line(&table, &points).then(|| Line {
                        name: name.clone(),
                        points: narrow(&points),
                    })
                });
                shapes.lines.insert(name, line);
            }
        }
        for table in camera.tables("zone") {
            if let Some((name, points)) = shapes.read_one(&table, picture) {
                let zone = points
                    .and_then(|points| outline(&table, "zone", points))
                    .map(|points| Zone {
                        name: name.clone(),
                        points,
                    });
                shapes.zones.insert(name, zone);
            }
        }
        shapes
    }

    fn read_one(
        &mut self,
        table: &Table<'f>,
        picture: Option<[f64; 2]>,
    ) -> Option<(ZoneName, Option<Vec<[f64; 2]>>)> {
        let name = table.name("name", ZoneName::new);
        if !table.has("name") {
            table.missing("name", "rules refer to it");
        }
        let points = picture_points(table, "points", picture);
        if !table.has("points") {
            table.missing("points", "write points = [[x, y], …]");
        }
        table.finish();
        let name = name?;
        if let Some(first) = self.places.get(&name.value) {
            let first = first.short();
            table.problem(
                name.at,
                format!(
                    "`{}` is already a line or zone at {first}: give it another name",
                    name.value
                ),
            );
            return None;
        }
        self.places.insert(name.value.clone(), name.at);
        Some((name.value, points))
    }

    /// Warns of zones in which the masks leave nothing to be seen.
    pub(super) fn warn_masked(&self, camera: &Table<'f>, masks: &[Mask]) {
        if masks.is_empty() {
            return;
        }
        let hidden = |point| masks.iter().any(|mask| contains(&mask.points, point));
        for (name, zone) in &self.zones {
            let (Some(zone), Some(at)) = (zone, self.places.get(name)) else {
                continue;
            };
            // A sliver between the grid's points has none, and nothing can be said of it.
            let mut points = all_over(zone).peekable();
            if points.peek().is_some() && points.all(hidden) {
                let text = format!("the masks cover the whole of `{name}`: nobody is seen there");
                camera.report.warning(*at, &camera.subject, text);
            }
        }
    }

    /// Warns of shapes that no rule uses.
    pub(super) fn warn_unused(&self, camera: &Table<'f>, used: &[ZoneName]) {
        for (name, at) in &self.places {
            if !used.contains(name) {
                camera
                    .report
                    .warning(*at, &camera.subject, format!("no rule uses `{name}`"));
            }
        }
    }
}

/// Whether the point lies inside, by the even-odd rule.
fn contains(polygon: &[Point], Point { x, y }: Point) -> bool {
    let next = polygon.iter().cycle().skip(1);
    let crossed = polygon
        .iter()
        .zip(next)
        .filter(|(a, b)| (a.y <= y) != (b.y <= y))
        .filter(|(a, b)| x < a.x + (b.x - a.x) * (y - a.y) / (b.y - a.y));
    crossed.count() % 2 == 1
}

/// The points inside a zone of a grid over its bounding box.
fn all_over(zone: &Zone) -> impl Iterator<Item = Point> + '_ {
    let reach = |of: fn(&Point) -> f32| {
        let values = zone.points.iter().map(of);
        let least = values.clone().fold(f32::INFINITY, f32::min);
        (least, values.fold(f32::NEG_INFINITY, f32::max))
    };
    let ((left, right), (top, bottom)) = (reach(|p| p.x), reach(|p| p.y));
    let part = |from: f32, to: f32, n: u16| from + (to - from) * (f32::from(n) + 0.5) / 64.0;
    (0..64)
        .flat_map(|row| (0..64).map(move |column| (row, column)))
        .map(move |(row, column)| Point {
            x: part(left, right, column),
            y: part(top, bottom, row),
        })
        .filter(|point| contains(&zone.points, *point))
}

/// Reads `[[camera.mask]]`.
pub(super) fn masks(camera: &Table<'_>, picture: Option<[f64; 2]>) -> Vec<Mask> {
    let read = |table: Table<'_>| {
        let points = picture_points(&table, "points", picture);
        if !table.has("points") {
            table.missing("points", "write points = [[x, y], …]");
        }
        table.finish();
        let points = outline(&table, "mask", points?)?;
        Some(Mask { points })
    };
    camera.tables("mask").into_iter().filter_map(read).collect()
}

/// The corners of a sound polygon; `what` it is for the messages.
fn outline(table: &Table<'_>, what: &str, mut points: Vec<[f64; 2]>) -> Option<Vec<Point>> {
    // Many tools repeat the first corner at the end to close the outline.
    if points.len() > 3 && points.first() == points.last() {
        points.pop();
    }
    check_polygon(table, what, &points).then(|| narrow(&points))
}

/// Points in 0..=1, divided by `picture` where that is given.
fn picture_points(
    table: &Table<'_>,
    key: &'static str,
    picture: Option<[f64; 2]>,
) -> Option<Vec<[f64; 2]>> {
    let points = table.points(key)?;
    if points.value.len() > MAX_POINTS {
        table.problem(
            points.at,
            format!(
                "`{key}` has {} points: write at most {MAX_POINTS}",
                points.value.len()
            ),
        );
        return None;
    }
    let [width, height] = picture.unwrap_or([1.0, 1.0]);
    let outside = |[x, y]: &&[f64; 2]| !(0.0..=width).contains(x) || !(0.0..=height).contains(y);
    if let Some([x, y]) = points.value.iter().find(outside) {
        let hint = match picture {
            Some(_) => format!("stay within picture = [{width}, {height}]"),
            None => "write 0 to 1, or give the camera picture = [width, height] to use pixels"
                .to_owned(),
        };
        table.problem(
            points.at,
            format!("point [{x}, {y}] of `{key}` is outside the picture: {hint}"),
        );
        return None;
    }
    Some(
        points
            .value
            .iter()
            .map(|[x, y]| [x / width, y / height])
            .collect(),
    )
}

fn narrow(points: &[[f64; 2]]) -> Vec<Point> {
    points.iter().map(|point| to_point(*point)).collect()
}

fn to_point([x, y]: [f64; 2]) -> Point {
    Point {
        x: x as f32,
        y: y as f32,
    }
}

fn check_line(table: &Table<'_>, points: &[[f64; 2]]) -> bool {
    let at = table.key_spot("points");
    if points.len() < 2 {
        table.problem(at, "a line needs at least two points: add one");
        return false;
    }
    let twice = points
        .windows(2)
        .any(|pair| matches!(pair, [a, b] if to_point(*a) == to_point(*b)));
    if twice {
        table.problem(
            at,
            "a point of the line follows itself: drop one of the two",
        );
    }
    !twice
}

fn check_polygon(table: &Table<'_>, what: &str, points: &[[f64; 2]]) -> bool {
    let at = table.key_spot("points");
    if points.len() < 3 {
        table.problem(at, format!("a {what} needs at least three points: add one"));
        return false;
    }
    if let Some((first, second)) = crossing(points) {
        table.problem(at, format!("the {what} crosses itself (side {} meets side {}): give the corners in order around it", first + 1, second + 1));
        return false;
    }
    if area(points) < MIN_ZONE_AREA {
        table.problem(
            at,
            format!("the {what} has no area: move its corners apart"),
        );
        return false;
    }
    true
}

/// The area of a simple polygon (shoelace formula).
fn area(points: &[[f64; 2]]) -> f64 {
    let doubled: f64 = sides(points)
        .map(|([ax, ay], [bx, by])| ax * by - bx * ay)
        .sum();
    (doubled / 2.0).abs()
}

fn sides(points: &[[f64; 2]]) -> impl Iterator<Item = ([f64; 2], [f64; 2])> + '_ {
    let next = points.iter().cycle().skip(1);
    points.iter().copied().zip(next.copied())
}

/// Twice the signed area of a triangle: positive when `c` lies to one side of `a`→`b`.
fn turn(a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> f64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/// The first two sides (from 0) that meet elsewhere than at a shared corner.
fn crossing(points: &[[f64; 2]]) -> Option<(usize, usize)> {
    let sides: Vec<_> = sides(points).collect();
    for (i, first) in sides.iter().enumerate() {
        for (j, second) in sides.iter().enumerate().skip(i + 1) {
            let adjacent = j == i + 1 || (i == 0 && j + 1 == sides.len());
            let meet = if !adjacent {
                meets(*first, *second)
            } else if sides.len() > 3 {
                let (corner, before, after) = if j == i + 1 {
                    (first.1, first.0, second.1)
                } else {
                    (first.0, second.0, first.1)
                };
                folds_back(corner, before, after)
            } else {
                false
            };
            if meet {
                return Some((i, j));
            }
        }
    }
    None
}

fn folds_back(corner: [f64; 2], before: [f64; 2], after: [f64; 2]) -> bool {
    let dot = (before[0] - corner[0]) * (after[0] - corner[0])
        + (before[1] - corner[1]) * (after[1] - corner[1]);
    turn(before, corner, after) == 0.0 && dot > 0.0
}

type Side = ([f64; 2], [f64; 2]);

/// Whether two segments share a point (orientation test: Cormen et al., Introduction to
/// Algorithms, "Determining whether any pair of segments intersects").
fn meets((a, b): Side, (c, d): Side) -> bool {
    let (abc, abd, cda, cdb) = (turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b));
    let on = |p: [f64; 2], q: [f64; 2], r: [f64; 2]| {
        (p[0].min(q[0])..=p[0].max(q[0])).contains(&r[0])
            && (p[1].min(q[1])..=p[1].max(q[1])).contains(&r[1])
    };
    (abc * abd < 0.0 && cda * cdb < 0.0)
        || (abc == 0.0 && on(a, b, c))
        || (abd == 0.0 && on(a, b, d))
        || (cda == 0.0 && on(c, d, a))
        || (cdb == 0.0 && on(c, d, b))
}

/// `calibration = { picture = [[x, y] × 4], ground_metres = [[x, y] × 4] }`.
pub(super) fn calibration(camera: &Table<'_>, picture: Option<[f64; 2]>) -> Option<Calibration> {
    let table = camera.table("calibration", "calibration")?;
    let seen = picture_points(&table, "picture", picture);
    let ground = table.points("ground_metres").map(|set| set.value);
    for key in ["picture", "ground_metres"] {
        if !table.has(key) {
            table.missing(key, "write four points");
        }
    }
    table.finish();
    let four = |points: Option<Vec<[f64; 2]>>, key: &str| {
        let points = points?;
        let four = <[[f64; 2]; 4]>::try_from(points.as_slice()).ok();
        if four.is_none() {
            table.problem(
                table.key_spot(key),
                format!("`{key}` has {} points: write four", points.len()),
            );
        }
        four
    };
    let (seen, ground) = (four(seen, "picture"), four(ground, "ground_metres"));
    let (seen, ground) = (seen?, ground?);
    if ground
        .iter()
        .flatten()
        .any(|metres| metres.abs() > 100_000.0)
    {
        table.problem(
            table.key_spot("ground_metres"),
            "a point is more than 100 km away: write metres from a point of the site",
        );
        return None;
    }
    let mut sound = true;
    for (points, least, key) in [
        (&seen, MIN_TRIANGLE_PICTURE, "picture"),
        (&ground, MIN_TRIANGLE_GROUND, "ground_metres"),
    ] {
        if triangles(points)
            .iter()
            .any(|doubled| doubled.abs() < least)
        {
            table.problem(
                table.key_spot(key),
                format!("three points of `{key}` lie on one line: move one away from it"),
            );
            sound = false;
        }
    }
    // All triangles keep their sense, or all turn it (a mirrored axis); else the horizon would
    // run between the four points and part of the quadrangle would lie behind the camera.
    let same = triangles(&seen)
        .iter()
        .zip(triangles(&ground))
        .filter(|(seen, ground)| (**seen > 0.0) == (*ground > 0.0))
        .count();
    if sound && same != 0 && same != 4 {
        table.problem(table.at, "the ground points are in another order than the picture's: give both in the same order around");
        sound = false;
    }
    sound.then(|| Calibration {
        picture: seen.map(to_point),
        ground_metres: ground.map(to_point),
    })
}

/// Twice the signed areas of the four triangles of four points.
fn triangles([a, b, c, d]: &[[f64; 2]; 4]) -> [f64; 4] {
    [
        turn(*a, *b, *c),
        turn(*a, *b, *d),
        turn(*a, *c, *d),
        turn(*b, *c, *d),
    ]
}
