//! Measured figures and their targets.

/// A measurement and its target.
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) unit: &'static str,
    pub(super) target: Option<Target>,
}

#[derive(Clone, Copy)]
pub(super) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Figure {
    fn is_missed(&self) -> bool {
        match self.target {
            Some(Target::AtLeast(least)) => self.value < least,
            Some(Target::AtMost(most)) => self.value > most,
            None => false,
        }
    }

    fn row(&self) -> String {
        let Self { name, value, unit, target } = self;
        let (target, verdict) = match target {
            Some(Target::AtLeast(least)) => (format!("at least {least:.2}{unit}"), "met"),
            Some(Target::AtMost(most)) => (format!("at most {most}{unit}"), "met"),
            None => (String::new(), ""),
        };
        let verdict = if self.is_missed() { "MISSED" } else { verdict };
        format!("| {name} | {value:.2}{unit} | {target} | {verdict} |")
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

/// Prints the figures as a table.
pub(super) fn print(figures: &[Figure]) {
    println!("\n| figure | measured | target | |\n| --- | --- | --- | --- |");
    for figure in figures {
        println!("{}", figure.row());
    }
    match figures.iter().filter(|figure| figure.is_missed()).count() {
        0 => println!("\nAll targets are met."),
        missed => println!("\nTargets missed: {missed}."),
    }
}
