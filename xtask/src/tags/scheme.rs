//! Defaults of the schemes, which the core knows: the bindings only state differences.

use genesys_cloud_catalogue::tags::{NextToken, ParamLocation, Scheme, TokenForm};

/// Where the page number or token goes by default.
pub fn usual_token_in(scheme: Scheme) -> Vec<ParamLocation> {
    let query = |name| vec![ParamLocation::query(name)];
    let body = |name| vec![ParamLocation::body(name)];
    match scheme {
        Scheme::PageNumber | Scheme::PageNumberNoTotal | Scheme::PageNumberNoEnvelope => {
            query("pageNumber")
        }
        Scheme::AfterInNextUri | Scheme::AfterField | Scheme::IdOrDateWindow => query("after"),
        Scheme::CursorsObject | Scheme::CursorField | Scheme::CursorInNextUri => query("cursor"),
        Scheme::NextPageInNextUri => query("nextPage"),
        Scheme::CompositeAfterInNextUri => {
            vec![ParamLocation::query("afterSourceType"), ParamLocation::query("afterSourceId")]
        }
        Scheme::BodyPageNumber | Scheme::BodyPageNumberNested | Scheme::JobSelectsPage => {
            body("pageNumber")
        }
        Scheme::BodyPagingTotalHits => body("paging.pageNumber"),
        Scheme::BodyAfter => body("after"),
        Scheme::BodyCursor => body("cursor"),
        Scheme::Q64Search => query("q64"),
        Scheme::ScimStartIndex => query("startIndex"),
        _ => Vec::new(),
    }
}

/// Where a response has the next page's token or link by default.
pub fn usual_token_out(scheme: Scheme) -> Option<NextToken> {
    match scheme {
        Scheme::PageNumber | Scheme::PageNumberNoTotal | Scheme::BodyPageNumber => {
            Some(NextToken::mark("nextUri"))
        }
        Scheme::BodyPageNumberNested => Some(NextToken::mark("results.nextUri")),
        Scheme::AfterInNextUri
        | Scheme::CursorInNextUri
        | Scheme::NextPageInNextUri
        | Scheme::CompositeAfterInNextUri => Some(NextToken::in_link("nextUri")),
        Scheme::AfterField | Scheme::BodyAfter => Some(NextToken::field("after")),
        Scheme::CursorsObject => Some(NextToken::field("cursors.after")),
        Scheme::CursorField | Scheme::BodyCursor => Some(NextToken::field("cursor")),
        Scheme::Q64Search => Some(NextToken::in_link("nextPage")),
        Scheme::PageSizeOnlyNextUri => {
            Some(NextToken { path: "nextUri".to_owned(), form: TokenForm::Link })
        }
        Scheme::IdOrDateWindow => {
            Some(NextToken { path: "id".to_owned(), form: TokenForm::LastItem })
        }
        _ => None,
    }
}
