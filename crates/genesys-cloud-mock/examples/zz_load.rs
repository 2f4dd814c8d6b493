//! x
fn main() {
    let s = std::time::Instant::now();
    let n = genesys_cloud_catalogue::Catalogue::embedded().operations().len();
    println!("embedded {:?} {n}", s.elapsed());
    let s = std::time::Instant::now();
    let rt = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let o = rt.block_on(genesys_cloud_mock::MockOrg::start()).unwrap();
    println!("first org {:?} {o:?}", s.elapsed());
    let s = std::time::Instant::now();
    let o = rt.block_on(genesys_cloud_mock::MockOrg::start()).unwrap();
    println!("second org {:?} {o:?}", s.elapsed());
}
