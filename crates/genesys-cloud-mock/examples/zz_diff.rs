//! x
#![allow(clippy::all)]
fn main() {
    let c = genesys_cloud_catalogue::Catalogue::embedded();
    for o in c.operations() {
        let t: Option<serde_json::Value> = o.tag().unwrap();
        let t = t.unwrap_or_default();
        let theirs = t["scheme"].as_str().unwrap_or("-").to_owned();
        let ours = genesys_cloud_mock::Scheme::of(c, o).map_or("-".to_owned(), |s| format!("{s:?}"));
        if (theirs.starts_with("Unpaged") || theirs.contains("Only") || theirs == "JobSetsPageSize") && ours == "-" { continue }
        if theirs != ours { println!("{} {}: tag {theirs} ({}) rule {ours}", o.method, o.path, t["kind"]); }
    }
    let s = std::time::Instant::now();
    let c2 = genesys_cloud_catalogue::Catalogue::from_jsonl(include_str!("../../genesys-cloud-catalogue/data/operations.jsonl"), include_str!("../../genesys-cloud-catalogue/data/definitions.jsonl")).unwrap();
    println!("own document {:?} {}", s.elapsed(), c2.operations().len());
}
