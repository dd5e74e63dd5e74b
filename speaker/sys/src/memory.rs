//! How the program's allocator shares out memory.

/// Lets all threads share one arena of the C library's allocator.
///
/// By default each thread gets one of its own, and what is freed by another thread stays there: a program whose few
/// threads are mostly idle keeps several times what it needs. To be called before the first thread is started; has an
/// effect with the GNU C library only.
pub fn one_arena() {
    #[cfg(target_env = "gnu")]
    // SAFETY: `mallopt` takes two integers, touches no memory of ours, and no other thread exists yet.
    unsafe {
        // A refusal leaves the default, which is fine.
        let _ = libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}
