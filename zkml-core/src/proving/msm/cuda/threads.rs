//! Work shared out while the device is held.
//!
//! Whoever holds the device's lock must not wait for rayon: its threads may all be in calls that wait for the lock, and a thread of
//! rayon that waits takes up other work meanwhile, such as a call that waits for the lock it holds itself. Hence threads of our own.

use std::sync::{Mutex, PoisonError};

/// Calls `work` with every item, in any order, on as many threads as rayon has.
pub(super) fn for_each<T: Send>(items: Vec<T>, work: impl Fn(T) + Sync) {
    let threads = rayon::current_num_threads().min(items.len());
    if threads <= 1 {
        return items.into_iter().for_each(work);
    }
    let items = Mutex::new(items.into_iter());
    let next = || items.lock().unwrap_or_else(PoisonError::into_inner).next();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = next() {
                    work(item);
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_comes_once() {
        for count in [0, 1, 2, 1000] {
            let mut results = vec![0; count];
            for_each(results.iter_mut().enumerate().collect(), |(index, to)| *to += index + 1);
            assert!(results.iter().enumerate().all(|(index, result)| *result == index + 1));
        }
    }
}
