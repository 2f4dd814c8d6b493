//! List specs.

use std::time::Duration;

use genesys_cloud_catalogue::tags::{self, ListTag, TokenForm};

use super::Error;
use crate::paging::{Cap, ListSpec, NextToken, PageSize, ParamLocation, Scheme};

pub(super) fn list_spec(tag: &ListTag) -> Result<ListSpec, Error> {
    let Some(scheme) = tag.scheme else { return Err(Error::new("a list without a scheme")) };
    let scheme = Scheme::named(scheme.name())
        .ok_or_else(|| Error::new(format!("unknown scheme `{}`", scheme.name())))?;
    let items = tag.items.clone().unwrap_or_else(|| "[]".to_owned());
    let mut spec = ListSpec::new(scheme, items);
    if let Some(known) = &tag.page_size {
        spec = spec.with_page_size(page_size(known));
    }
    // Each scheme has defaults. Only differences are set.
    if let [one] = &tag.token_in[..]
        && spec.token_in() != [location(one)]
    {
        spec = spec.with_token_in(location(one));
    }
    if let Some(token_out) = tag.token_out.as_ref().and_then(token_out)
        && spec.token_out() != Some(&token_out)
    {
        spec = spec.with_token_out(token_out);
    }
    if let Some(cap) = &tag.cap {
        let most = match cap.pages {
            Some(pages) => Cap::pages(pages),
            None => Cap::items(cap.items.unwrap_or_default()),
        };
        spec = spec.with_cap(match cap.condition.clone() {
            Some((name, value)) => most.where_query(name, value),
            None => most,
        });
    }
    if let Some(hours) = tag.token_hours {
        spec = spec.with_token_lifetime(Duration::from_secs(3600 * hours));
    }
    if !tag.reply.fields.is_empty() {
        spec = spec.with_fields(&tag.reply.fields);
    }
    if !tag.reply.values {
        spec = spec.with_objects();
    }
    if tag.reply.no_content {
        spec = spec.with_no_content();
    }
    Ok(match &tag.jobs {
        Some(path) => spec.with_jobs(path.clone()),
        None => spec,
    })
}

/// Where a parameter goes.
pub(super) fn location(tag: &tags::ParamLocation) -> ParamLocation {
    ParamLocation::new(tag.name.clone(), tag.place == tags::Place::Body)
}

fn page_size(tag: &tags::PageSize) -> PageSize {
    let mut page_size = PageSize::new(tag.name.clone(), tag.text);
    if tag.place == tags::Place::Body {
        page_size = page_size.in_body();
    }
    if let Some(usual) = tag.usual {
        page_size = page_size.usually(usual);
    }
    if let Some(maximum) = tag.maximum {
        page_size = page_size.at_most(maximum);
    }
    if let Some(minimum) = tag.minimum {
        page_size = page_size.at_least(minimum);
    }
    page_size
}

fn token_out(tag: &tags::NextToken) -> Option<NextToken> {
    let form = match tag.form {
        TokenForm::Field | TokenForm::LastItem => NextToken::field(""),
        TokenForm::Link => NextToken::link(""),
        TokenForm::InLink => NextToken::in_link(""),
        // Covered by the scheme: the list ends if the field is missing.
        TokenForm::Mark => return None,
    };
    Some(form.at(tag.path.clone()))
}
