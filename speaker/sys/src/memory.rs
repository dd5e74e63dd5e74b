//! How the program's allocator shares out memory, and gives it back.

/// What is as large as this is given back as soon as it is free, in bytes.
#[cfg(target_env = "gnu")]
const LARGE: i32 = 256 * 1024;

/// How much of the top of the heap may be free before it is given back, in bytes: what a burst of events takes and frees is
/// not asked for anew each time.
#[cfg(target_env = "gnu")]
const TOP: i32 = 4 * LARGE;

/// Keeps little memory that is not in use: lets all threads share one arena of the C library's allocator, and has it give
/// back at once what is large.
///
/// By default each thread gets an arena of its own, and what is freed by another thread stays there: a program whose few
/// threads are mostly idle keeps several times what it needs. And by default what counts as large grows with what was
/// ever freed. To be called before the first thread is started; has an effect with the GNU C library only.
pub fn keep_little() {
    #[cfg(target_env = "gnu")]
    for (parameter, value) in [(libc::M_ARENA_MAX, 1), (libc::M_MMAP_THRESHOLD, LARGE), (libc::M_TRIM_THRESHOLD, TOP)] {
        // SAFETY: `mallopt` takes two integers, touches no memory of ours, and no other thread exists yet.
        // A refusal leaves the default, which is fine.
        let _ = unsafe { libc::mallopt(parameter, value) };
    }
}

/// Gives free memory back to the kernel, in whole pages; takes about a millisecond for each ten megabytes in use. Has an
/// effect with the GNU C library only.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: `malloc_trim` may be called at any time, by any thread; it touches only what is free.
    // Whether there was any is of no interest.
    let _ = unsafe { libc::malloc_trim(0) };
}
