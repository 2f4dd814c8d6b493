//! Prints who changed which queue or skill in the last 60 days: the audit trail of the service `Routing`.
//!
//! `cargo run -p genesys-cloud --example audit -- Routing`

#![allow(clippy::print_stdout)]

mod support;

use std::error::Error;
use std::time::Duration;

use genesys_cloud::chrono::{Days, Utc};
use genesys_cloud::test_util::mock::MockOrg;
use genesys_cloud::types::{AuditLogMessage, AuditQueryRequest, DomainEntityRef};

fn name(entity: Option<DomainEntityRef>) -> String {
    entity.and_then(|entity| entity.name.or(entity.id)).unwrap_or_default()
}

fn print(entry: AuditLogMessage) {
    println!(
        "{}\t{}\t{} {} {:?}",
        entry.event_date.map(|date| date.to_rfc3339()).unwrap_or_default(),
        name(entry.user),
        entry.action.unwrap_or_default(),
        entry.entity_type.unwrap_or_default(),
        name(entry.entity),
    );
    for change in entry.property_changes.unwrap_or_default() {
        println!(
            "\t{}: {:?} -> {:?}",
            change.property.unwrap_or_default(),
            change.old_values.unwrap_or_default(),
            change.new_values.unwrap_or_default(),
        );
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let fake = MockOrg::builder().list("getAuditsQueryTransactionIdResults", 40);
    let (client, _fake) = support::connect(fake).await?;

    let service = std::env::args().nth(1).unwrap_or_else(|| "Routing".to_owned());
    let query = AuditQueryRequest { service_name: Some(service), ..Default::default() };
    let to = Utc::now();
    let from = to.checked_sub_days(Days::new(60)).ok_or("a date out of range")?;

    // The API accepts at most 31 days in one query. It delivers large results as a file, whose entries have another
    // form; a week per query keeps most orgs below that.
    let week = Duration::from_secs(7 * 24 * 3600);
    let mut entries = client.audit().audits_query(query).windows(from..to).span(week);
    while let Some(entry) = entries.try_next().await? {
        print(entry);
    }
    let report = entries.report();
    println!("{}: {} entries", report.verdict(), report.items);
    Ok(())
}
