//! Page sizes.

use genesys_cloud_catalogue::tags::PageSize;

/// The default page size, if nothing else is known (`usual_page_size` in the core).
const USUAL: u64 = 100;

/// Sets the default page size, if the API is known to accept it.
pub fn usually(size: PageSize, items: Option<u64>) -> PageSize {
    let usual = items.filter(|items| size.maximum.is_none() && *items > USUAL);
    PageSize { usual: usual.or(size.usual), ..size }
}

/// The known limits, for people.
pub fn size_limits(size: &PageSize) -> Vec<String> {
    let known = [("usually", size.usual), ("at most", size.maximum), ("at least", size.minimum)];
    known.into_iter().filter_map(|(word, items)| Some(format!("{word} {}", items?))).collect()
}

/// Its type in the document.
pub fn size_type(size: &PageSize) -> &'static str {
    if size.text { "string" } else { "integer" }
}
