//! Where memory comes from: the C library, and for the small blocks of a process that soon ends, large pages.
//!
//! A fingerprint asks for some hundred thousand small blocks, by several threads at once, and needs nearly all of them to its end.
//! The C library keeps account of each of them and takes memory from the kernel a small page at a time, together a tenth of the
//! fingerprint's time. Here each thread cuts its blocks off a piece of its own, one after the other, and only the last block is
//! ever given back. Large blocks stay the C library's: those that grow would leave much behind.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// The allocator of this program.
pub struct Memory;

/// A block above this size is large. Bytes.
const SMALL: usize = 64 << 10;

/// What a thread takes at once.
const PIECE: usize = 256 << 10;

/// What the kernel is asked for at once.
const STORE: usize = 8 << 20;

/// What the kernel gives at once, when it may.
const PAGE: usize = 2 << 20;

/// Whether small blocks are no longer given back.
static ENDS_SOON: AtomicBool = AtomicBool::new(false);

/// What is left for further pieces.
static LEFT: Mutex<Span> = Mutex::new(Span::EMPTY);

thread_local! {
    /// What is left of this thread's piece.
    static PIECE_LEFT: Cell<Span> = const { Cell::new(Span::EMPTY) };
}

/// Addresses from the first to the one after the last.
#[derive(Clone, Copy)]
struct Span {
    begin: usize,
    end: usize,
}

impl Span {
    const EMPTY: Span = Span { begin: 0, end: 0 };

    /// Cuts a block off at the beginning.
    fn cut(&mut self, layout: Layout) -> Option<*mut u8> {
        let place = self.begin.checked_next_multiple_of(layout.align())?;
        let end = place.checked_add(layout.size()).filter(|end| *end <= self.end)?;
        self.begin = end;
        Some(ptr::with_exposed_provenance_mut(place))
    }
}

/// From now on small blocks are not given back: for work after which the process ends.
pub fn keep_all() {
    ENDS_SOON.store(true, Ordering::Relaxed);
}

fn is_kept(size: usize) -> bool {
    size <= SMALL && ENDS_SOON.load(Ordering::Relaxed)
}

// SAFETY: a block is cut off memory that nobody else has, with its size and alignment, and is not cut again before whoever has it
// gives it back. What goes back to the C library is told by its size, and came from there: of small blocks none does once they are
// kept, wherever they came from. A block that ends where this thread's piece begins may come from another one's piece; whoever gave
// it back, nobody has it any more.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !is_kept(layout.size()) {
            // SAFETY: as the caller promises.
            return unsafe { System.alloc(layout) };
        }
        let mut piece = PIECE_LEFT.get();
        let block = piece.cut(layout).or_else(|| {
            piece = next_piece()?;
            piece.cut(layout)
        });
        PIECE_LEFT.set(piece);
        // SAFETY: as the caller promises.
        block.unwrap_or_else(|| unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !is_kept(layout.size()) {
            // SAFETY: as the caller promises.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: as the caller promises; the block is as long as what is written.
        unsafe {
            let block = self.alloc(layout);
            if !block.is_null() {
                block.write_bytes(0, layout.size());
            }
            block
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if !is_kept(layout.size()) {
            // SAFETY: as the caller promises.
            return unsafe { System.dealloc(block, layout) };
        }
        let piece = PIECE_LEFT.get();
        if block.addr() + layout.size() == piece.begin {
            PIECE_LEFT.set(Span { begin: block.addr(), ..piece });
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !is_kept(layout.size()) {
            // SAFETY: as the caller promises.
            return unsafe { System.realloc(block, layout, size) };
        }
        let piece = PIECE_LEFT.get();
        let is_last = block.addr() + layout.size() == piece.begin;
        if is_last && size <= SMALL && size <= piece.end - block.addr() {
            PIECE_LEFT.set(Span { begin: block.addr() + size, ..piece });
            return block;
        }
        // SAFETY: the caller promises that the new size is none that overflows; both blocks are at least as long as what is copied.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                ptr::copy_nonoverlapping(block, new, layout.size().min(size));
            }
            new
        }
    }
}

/// A piece for one thread; `None` when there is no more memory.
fn next_piece() -> Option<Span> {
    let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    if left.begin == left.end {
        *left = new_store()?;
    }
    let piece = Span { begin: left.begin, end: left.begin + PIECE };
    left.begin = piece.end;
    Some(piece)
}

/// Memory from the kernel, in large pages where it has some.
#[allow(unsafe_code)]
fn new_store() -> Option<Span> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: asks for memory at no certain place, which nobody else has; the advice changes nothing of what is in it.
    unsafe {
        let place = libc::mmap(ptr::null_mut(), STORE + PAGE, access, kind, -1, 0);
        if place == libc::MAP_FAILED {
            return None;
        }
        let begin = place.expose_provenance().next_multiple_of(PAGE);
        libc::madvise(ptr::with_exposed_provenance_mut(begin), STORE, libc::MADV_HUGEPAGE);
        Some(Span { begin, end: begin + STORE })
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_block_has_its_size_and_alignment_or_there_is_none() {
        let mut span = Span { begin: 4097, end: 8192 };
        let mut cut =
            |size, align| span.cut(Layout::from_size_align(size, align).unwrap()).map(|block| block.addr());
        assert_eq!([cut(7, 1), cut(8, 8), cut(1, 64)], [Some(4097), Some(4104), Some(4160)]);
        assert_eq!([cut(4032, 1), cut(4031, 1), cut(1, 1)], [None, Some(4161), None]);
        let mut empty = Span::EMPTY;
        assert_eq!(empty.cut(Layout::new::<u8>()), None);
    }

    /// The other tests of this process only leave more behind.
    #[test]
    fn what_threads_keep_is_theirs_alone() {
        let before: Vec<String> = (0..100).map(|number| format!("{number}")).collect();
        keep_all();
        let filled = |thread: usize| {
            let mut lists: Vec<Vec<usize>> = vec![Vec::new(); 300];
            // Grown in turns: sometimes a block is the last one, sometimes not, and some become large.
            for number in 0..60_000 {
                lists[number * number % 300].push(thread);
            }
            lists.retain(|list| !list.is_empty());
            let zeros = vec![0_u8; 5000];
            assert!(zeros.iter().all(|byte| *byte == 0));
            lists
        };
        let threads = (0..8).map(|thread| thread::spawn(move || filled(thread)));
        let threads: Vec<_> = threads.collect();
        for (thread, lists) in threads.into_iter().map(|thread| thread.join().unwrap()).enumerate() {
            assert_eq!(lists.iter().map(Vec::len).sum::<usize>(), 60_000);
            assert!(lists.iter().flatten().all(|number| *number == thread));
            // Given back by another thread than had them.
            drop(lists);
        }
        assert!(before.iter().enumerate().all(|(number, text)| *text == number.to_string()));
    }
}
