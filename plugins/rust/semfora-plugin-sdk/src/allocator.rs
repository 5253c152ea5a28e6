//! A small allocator for plugins: free lists by size, four sizes between one power of two and the next.
//!
//! An instance lives for one evaluation, so nothing is given back to the host and neighbours are not joined. What is freed
//! is used again for the same size. That makes it smaller and faster than the standard library's.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::ptr;

const PAGE: usize = 1 << 16;
/// Pages that memory grows by, where they are to be had.
const STEP: usize = 16;
/// What every block is aligned to.
const ALIGN: usize = 8;
const CLASSES: usize = 4 * usize::BITS as usize;

/// Where memory comes from.
pub(crate) trait Source {
    /// Adds so many pages and returns the address of the first; `None` where there are no more.
    fn grow(&self, pages: usize) -> Option<usize>;
}

struct State {
    /// The first free block of each class; its first word is the address of the next one. 0 where there is none.
    free: [usize; CLASSES],
    /// The memory that was never used: from here …
    next: usize,
    /// … to here.
    end: usize,
}

/// An allocator on a source of memory.
pub(crate) struct Allocator<S> {
    state: UnsafeCell<State>,
    source: S,
}

// SAFETY: a plugin has one thread.
unsafe impl<S> Sync for Allocator<S> {}

impl<S: Source> Allocator<S> {
    pub(crate) const fn new(source: S) -> Self {
        Allocator { state: UnsafeCell::new(State { free: [0; CLASSES], next: 0, end: 0 }), source }
    }

    /// Never used memory of this size and alignment, or 0.
    fn fresh(&self, state: &mut State, size: usize, align: usize) -> usize {
        loop {
            let start = (state.next + align - 1) & !(align - 1);
            match start.checked_add(size) {
                Some(end) if state.next != 0 && end <= state.end => {
                    state.next = end;
                    return start;
                }
                None => return 0,
                Some(_) => {}
            }
            let pages = match size.checked_add(align) {
                Some(wanted) => wanted / PAGE + 1,
                None => return 0,
            };
            let (grown, pages) = match self.source.grow(pages.max(STEP)) {
                Some(grown) => (grown, pages.max(STEP)),
                None => match self.source.grow(pages) {
                    Some(grown) => (grown, pages),
                    None => return 0,
                },
            };
            if grown != state.end {
                state.next = grown;
            }
            state.end = grown + pages * PAGE;
        }
    }
}

// SAFETY: blocks come from the source, or were freed with the same class; they do not overlap, and are as large and as
// aligned as the layout says.
unsafe impl<S: Source> GlobalAlloc for Allocator<S> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let state = &mut *self.state.get();
        if layout.align() > ALIGN {
            return self.fresh(state, layout.size(), layout.align()) as *mut u8;
        }
        let (class, size) = match class_of(layout.size()) {
            Some(found) => found,
            None => return ptr::null_mut(),
        };
        let first = state.free[class];
        if first != 0 {
            state.free[class] = *(first as *const usize);
            return first as *mut u8;
        }
        self.fresh(state, size, ALIGN) as *mut u8
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if layout.align() > ALIGN {
            return; // rare, and not worth a list
        }
        if let Some((class, _)) = class_of(layout.size()) {
            let state = &mut *self.state.get();
            *(block as *mut usize) = state.free[class];
            state.free[class] = block as usize;
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= ALIGN {
            if let (Some((old, _)), Some((new, _))) = (class_of(layout.size()), class_of(size)) {
                if old == new {
                    return block;
                }
            }
        }
        let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
        if !moved.is_null() {
            ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
            self.dealloc(block, layout);
        }
        moved
    }
}

/// The class of blocks of `size` bytes, and how large they are; `None` where no block is so large.
fn class_of(size: usize) -> Option<(usize, usize)> {
    if size <= 2 * ALIGN {
        return Some((0, 2 * ALIGN));
    }
    let power = usize::BITS - 1 - (size - 1).leading_zeros(); // 2^power < size <= 2^(power + 1)
    let step = ((1_usize << power) / 4).max(ALIGN);
    let rounded = size.checked_add(step - 1)? & !(step - 1);
    Some((4 * power as usize + (rounded - (1 << power)) / step - 1, rounded))
}

/// WebAssembly's own memory.
#[cfg(target_arch = "wasm32")]
pub(crate) struct Wasm;

#[cfg(target_arch = "wasm32")]
impl Source for Wasm {
    fn grow(&self, pages: usize) -> Option<usize> {
        match std::arch::wasm32::memory_grow(0, pages) {
            usize::MAX => None,
            before => Some(before * PAGE),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Pages from one piece of memory, with a gap before each growth that `gaps` holds.
    struct Piece {
        start: usize,
        pages: usize,
        used: Cell<usize>,
        gap: usize,
    }

    impl Source for Piece {
        fn grow(&self, pages: usize) -> Option<usize> {
            let start = self.used.get() + self.gap;
            if start + pages > self.pages {
                return None;
            }
            self.used.set(start + pages);
            Some(self.start + start * PAGE)
        }
    }

    fn with_pages(pages: usize, gap: usize, test: impl FnOnce(&Allocator<Piece>)) {
        let memory: Vec<u64> = vec![0; (pages + 1) * PAGE / 8];
        let start = (memory.as_ptr() as usize + PAGE - 1) & !(PAGE - 1);
        test(&Allocator::new(Piece { start, pages, used: Cell::new(0), gap }));
    }

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 8).expect("valid")
    }

    #[test]
    fn classes_hold_their_sizes_and_waste_little() {
        let mut previous = (0, 16);
        for size in 1..100_000 {
            let (class, rounded) = class_of(size).expect("small");
            assert!(rounded >= size && rounded % ALIGN == 0 && class < CLASSES, "{}", size);
            assert!(rounded <= 16 || rounded - size <= (size / 4).max(7), "{} in {}", size, rounded);
            assert!((class, rounded) == previous || (class > previous.0 && rounded > previous.1), "{}", size);
            assert_eq!(class_of(rounded), Some((class, rounded)));
            previous = (class, rounded);
        }
        assert_eq!(class_of(usize::MAX), None);
    }

    #[test]
    fn blocks_neither_overlap_nor_lose_what_is_in_them() {
        for gap in [0, 1] {
            with_pages(200, gap, |allocator| {
                let mut blocks: Vec<(*mut u8, Layout, u8)> = Vec::new();
                let mut dice: u32 = 7;
                for round in 0..20_000_u32 {
                    dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let size = 1 + (dice >> 8) as usize % if dice & 63 == 0 { 20_000 } else { 200 };
                    let mark = round as u8;
                    // SAFETY: every pointer is used with the layout it was given for, and only while it is held.
                    unsafe {
                        if blocks.len() > 300 || (dice >> 30 == 0 && !blocks.is_empty()) {
                            let (block, old, held) = blocks.swap_remove(dice as usize % blocks.len());
                            for at in 0..old.size() {
                                assert_eq!(*block.add(at), held);
                            }
                            if dice & 4 == 0 {
                                let moved = allocator.realloc(block, old, size);
                                for at in 0..old.size().min(size) {
                                    assert_eq!(*moved.add(at), held);
                                }
                                moved.write_bytes(mark, size);
                                let kept = Layout::from_size_align(size, old.align()).expect("valid");
                                blocks.push((moved, kept, mark));
                            } else {
                                allocator.dealloc(block, old);
                            }
                        } else {
                            let align = if dice & 1024 == 0 { 8 } else { 64 };
                            let wanted = Layout::from_size_align(size.min(400), align).expect("valid");
                            let wanted = if align == 8 { layout(size) } else { wanted };
                            let block = allocator.alloc(wanted);
                            assert!(!block.is_null() && block as usize % wanted.align() == 0);
                            block.write_bytes(mark, wanted.size());
                            blocks.push((block, wanted, mark));
                        }
                    }
                }
            });
        }
    }

    #[test]
    fn freed_memory_is_used_again() {
        with_pages(2 * STEP, 0, |allocator| {
            for _ in 0..10_000 {
                // SAFETY: freed with the layout it was given for.
                unsafe {
                    let block = allocator.alloc(layout(50_000));
                    assert!(!block.is_null());
                    allocator.dealloc(block, layout(49_999));
                }
            }
        });
    }

    #[test]
    fn the_last_pages_are_given_too_and_then_nothing() {
        with_pages(STEP + 2, 0, |allocator| {
            // SAFETY: nothing is freed or written.
            unsafe {
                assert!(!allocator.alloc(layout(STEP * PAGE - 4096)).is_null());
                assert!(!allocator.alloc(layout(PAGE)).is_null());
                assert!(allocator.alloc(layout(4 * PAGE)).is_null());
                assert!(allocator.alloc(layout(isize::MAX as usize - 7)).is_null());
            }
        });
    }
}
