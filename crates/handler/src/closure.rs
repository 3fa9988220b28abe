//! How a closure becomes a handler of a face: the text of it, which stands here once for all faces.

/// Marks a handler whose value is an answer.
#[derive(Debug)]
pub enum Plain {}

/// Marks a handler whose `Result` serde cannot write.
#[derive(Debug)]
pub enum Fallible {}

/// Makes handlers of a face out of functions that take up to eight extractors. Where it is called there are the face's own
/// `Handler`, `Extract`, `Call` and `Running`, and `borrowed`, which makes a [`Place`](crate::Place) of what `Call::place` gives.
#[doc(hidden)]
#[macro_export]
macro_rules! handlers {
    () => {
        $crate::handlers!(@of);
        $crate::handlers!(@of A);
        $crate::handlers!(@of A B);
        $crate::handlers!(@of A B C);
        $crate::handlers!(@of A B C D);
        $crate::handlers!(@of A B C D E);
        $crate::handlers!(@of A B C D E F);
        $crate::handlers!(@of A B C D E F G);
        $crate::handlers!(@of A B C D E F G H);
    };
    (@of $($extractor:ident)*) => {
        impl<On, Fun, Fut, Value, $($extractor),*> Handler<On, ($crate::Plain, Value, ($($extractor,)*))> for Fun
        where
            Fun: Fn($($extractor),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Value> + Send + 'static,
            Value: $crate::ToArgs,
            $($extractor: Extract<On>,)*
        {
            #[allow(non_snake_case, unused_variables)]
            fn start(&self, call: &mut Call<'_>) -> Result<Running, $crate::ExtractError> {
                $(let $extractor = $extractor::extract(call)?;)*
                let future = self($($extractor),*);
                let place = call.place();
                Ok(Box::pin(future.map(move |value| $crate::ToArgs::verdict(&value, borrowed(place.as_ref())))))
            }

            #[allow(unused_variables)]
            fn needs(needs: &mut Vec<$crate::Need>) {
                $($extractor::needs(needs);)*
            }
        }

        impl<On, Fun, Fut, Value, Failure, $($extractor),*>
            Handler<On, ($crate::Fallible, (Value, Failure), ($($extractor,)*))> for Fun
        where
            Fun: Fn($($extractor),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Result<Value, Failure>> + Send + 'static,
            Value: $crate::ToArgs,
            Failure: $crate::Fail,
            $($extractor: Extract<On>,)*
        {
            #[allow(non_snake_case, unused_variables)]
            fn start(&self, call: &mut Call<'_>) -> Result<Running, $crate::ExtractError> {
                $(let $extractor = $extractor::extract(call)?;)*
                let future = self($($extractor),*);
                let place = call.place();
                Ok(Box::pin(future.map(move |result| $crate::verdict::of_result(result, borrowed(place.as_ref())))))
            }

            #[allow(unused_variables)]
            fn needs(needs: &mut Vec<$crate::Need>) {
                $($extractor::needs(needs);)*
            }
        }
    };
}
