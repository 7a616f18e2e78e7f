// The threads of --threads, for one worker.
#pragma once

#include <cvt/extra/thread_pool.hpp>

namespace app {

/// Interrupts stay with the calling thread. Throws failure (some_failed) when the system gives no more threads.
cvt::thread_pool make_pool(int threads);

}  // namespace app
