// make_pool: starts the threads of --threads for one worker.
#pragma once

#include <cvt/extra/thread_pool.hpp>

namespace app {

/// The main thread alone handles interrupts. Throws failure (some_failed) if the system refuses a thread.
cvt::thread_pool make_pool(int threads);

}  // namespace app
