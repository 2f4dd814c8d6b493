//! The macro by which generated code declares how an operation pages.

/// Adds the method `paginate` to the call of an operation.
///
/// Everything left out has the default of the scheme:
///
/// ```text
/// paged! {
///     GetThings -> types::Thing;
///     CursorsObject {
///         items: ["entities"],
///         page_size: "pageSize" as text, maximum: 100, minimum: 10,
///         token_in: query "after",
///         token_out: field "cursors.after",
///         cap: items(1000) where "state" = "inactive",
///         jobs: "/api/v2/things/jobs",
///         tokens: 24 hours,
///         fields: "aggregations took",
///         values: true,
///         no_content: true,
///     }
/// }
/// ```
///
/// `items` is the path to the list, empty if the response is the list itself. `page_size` is a query parameter, or a
/// field of the body: `body "paging.pageSize" as integer`. `usual: 500` instead of `maximum` is the size to request if
/// no maximum is known. `token_in` is `query` or `body`. `token_out` is `field`, `link` (followed as it is) or
/// `in_link`, which may name the parameter in the link: `in_link "nextUri" "cursor"`. `cap` is `pages(n)` or
/// `items(n)`. `fields` lists further fields by which a response is recognized as a page, `values` allows items that
/// are not objects, and `no_content` makes a 204 an empty list.
///
/// `interval` after the braces, in `query` or `body`, also adds the method `windows`. It may be followed by the longest
/// interval that the operation accepts, and by the path of the id of the items if an item is the same in each interval
/// that it touches:
///
/// ```text
/// paged! {
///     PostThingsQuery -> types::Thing;
///     BodyPageNumber { items: ["things"] }
///     interval: body "interval", span: 31 days, id: "thingId"
/// }
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! paged {
    ($call:ident -> $item:ty; $scheme:ident { $($spec:tt)* } $($interval:tt)*) => {
        impl $call {
            /// Returns the list as a stream of items, read page by page. Nothing is sent before the first poll.
            #[inline]
            pub fn paginate(self) -> $crate::Paginator<$item> {
                const LIST_SPEC: $crate::ListSpec = $crate::paged!(@spec $scheme { $($spec)* });
                $crate::generated::paginate(self.0, LIST_SPEC)
            }
        }

        impl $crate::Paged for $call {
            type Item = $item;

            #[inline]
            fn paginate(self) -> $crate::Paginator<$item> {
                self.paginate()
            }
        }

        $crate::paged!(@windows $call $item; $scheme { $($spec)* } $($interval)*);
    };

    (@windows $call:ident $item:ty; $scheme:ident $spec:tt) => {};
    (
        @windows $call:ident $item:ty; $scheme:ident { $($spec:tt)* }
        interval: $place:ident $interval:literal
        $(, span: $days:literal days)? $(, id: $id:literal)? $(,)?
    ) => {
        impl $call {
            /// Reads a time range of any length in windows that the API accepts. The range replaces the interval of the
            /// call. Nothing is sent before the first poll.
            #[inline]
            pub fn windows(
                self,
                range: impl ::core::convert::Into<$crate::Interval>,
            ) -> $crate::Windows<$item> {
                const LIST_SPEC: $crate::ListSpec = $crate::paged!(@spec $scheme { $($spec)* });
                $crate::generated::windows(
                    self.0,
                    LIST_SPEC,
                    $crate::ParamLocation::$place($interval),
                    $crate::generated::IntervalFacts {
                        days: $crate::paged!(@some $($days)?),
                        id: $crate::paged!(@some $($id)?),
                    },
                    range.into(),
                )
            }
        }
    };

    (
        @spec
        $scheme:ident {
            items: [$($first:literal $(, $further:literal)*)?]
            $(, page_size: $($place:ident)? $page_size:literal as $form:ident $(, usual: $usual:literal)? $(, maximum: $maximum:literal)? $(, minimum: $minimum:literal)?)?
            $(, token_in: $in_place:ident $in_name:literal)?
            $(, token_out: $out_form:ident $out_path:literal $($out_name:literal)?)?
            $(, cap: $cap:ident($most:literal) $(where $query:literal = $value:literal)?)?
            $(, jobs: $jobs:literal)?
            $(, tokens: $hours:literal hours)?
            $(, fields: $fields:literal)?
            $(, values: $values:literal)?
            $(, no_content: $no_content:literal)?
            $(,)?
        }
    ) => {
        $crate::ListSpec::from_static(
            $crate::Scheme::$scheme,
            $crate::paged!(@items $($first $(, $further)*)?),
            $crate::paged!(@some $(
                $crate::paged!(@size $($place)? $page_size $form) $(.usually($usual))? $(.at_most($maximum))? $(.at_least($minimum))?
            )?),
            $crate::paged!(@some $($crate::ParamLocation::$in_place($in_name))?),
            $crate::paged!(@some $($crate::paged!(@out $out_form $out_path $($out_name)?))?),
            $crate::paged!(@some $(
                $crate::Cap::$cap($most)$(.known_where_query($query, $value))?
            )?),
            $crate::paged!(@some $($jobs)?),
            $crate::paged!(@some $($fields)?),
        )
        $(.known_for_hours($hours))?
        $(.known_of_values($values))?
        $(.known_no_content($no_content))?
    };

    (@items) => { "[]" };
    (@items $first:literal $(, $further:literal)*) => { concat!($first $(, ".", $further)*) };

    (@some) => { ::core::option::Option::None };
    (@some $($value:tt)+) => { ::core::option::Option::Some($($value)+) };

    (@size body $name:literal $form:ident) => { $crate::PageSize::$form($name).in_body() };
    (@size $name:literal $form:ident) => { $crate::PageSize::$form($name) };

    (@out in_link $path:literal $name:literal) => { $crate::NextToken::named_in_link($path, $name) };
    (@out $form:ident $path:literal) => { $crate::NextToken::$form($path) };
}
