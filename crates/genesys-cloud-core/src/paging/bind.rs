//! The macro through which generated code states how an operation pages.

/// Gives the call of an operation its `paginate`.
#[doc(hidden)]
#[macro_export]
macro_rules! paged {
    (
        $call:ident -> $item:ty;
        $scheme:ident {
            items: [$($first:literal $(, $further:literal)*)?]
            $(, page_size: $page_size:literal as $form:ident $(, maximum: $maximum:literal)?)?
            $(,)?
        }
    ) => {
        impl $call {
            /// Reads the whole list, page by page, as a stream of its items. Nothing is sent before the
            /// first item is asked for.
            pub fn paginate(self) -> $crate::Paginator<$item> {
                const LISTING: $crate::Listing = $crate::Listing::known(
                    $crate::Scheme::$scheme,
                    $crate::paged!(@items $($first $(, $further)*)?),
                    $crate::paged!(@page_size $($page_size $form $($maximum)?)?),
                );
                $crate::generated::paginate(self.into_call(), LISTING)
            }
        }
    };

    (@items) => { "[]" };
    (@items $first:literal $(, $further:literal)*) => { concat!($first $(, ".", $further)*) };

    (@page_size) => { ::core::option::Option::None };
    (@page_size $name:literal $form:ident $($maximum:literal)?) => {
        ::core::option::Option::Some($crate::PageSize::$form($name)$(.at_most($maximum))?)
    };
}
