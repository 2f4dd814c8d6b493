//! What a benchmark has measured, against what it should be.

/// What was measured, and what it should be.
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) unit: &'static str,
    pub(super) aim: Option<Aim>,
}

#[derive(Clone, Copy)]
pub(super) enum Aim {
    AtLeast(f64),
    AtMost(f64),
}

impl Figure {
    fn is_missed(&self) -> bool {
        match self.aim {
            Some(Aim::AtLeast(least)) => self.value < least,
            Some(Aim::AtMost(most)) => self.value > most,
            None => false,
        }
    }

    fn row(&self) -> String {
        let Self { name, value, unit, aim } = self;
        let (aim, verdict) = match aim {
            Some(Aim::AtLeast(least)) => (format!("at least {least:.2}{unit}"), "met"),
            Some(Aim::AtMost(most)) => (format!("at most {most}{unit}"), "met"),
            None => (String::new(), ""),
        };
        let verdict = if self.is_missed() { "MISSED" } else { verdict };
        format!("| {name} | {value:.2}{unit} | {aim} | {verdict} |")
    }
}

pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        _ if values.is_empty() => f64::NAN,
        0 => (values[middle - 1] + values[middle]) / 2.0,
        _ => values[middle],
    }
}

/// Prints them as a table.
pub(super) fn print(figures: &[Figure]) {
    println!("\n| figure | measured | aim | |\n| --- | --- | --- | --- |");
    for figure in figures {
        println!("{}", figure.row());
    }
    match figures.iter().filter(|figure| figure.is_missed()).count() {
        0 => println!("\nAll aims are met."),
        missed => println!("\nAims missed: {missed}."),
    }
}
