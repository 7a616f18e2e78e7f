// threads.hpp: starts the pool with interrupts blocked.
#include "pipeline/threads.hpp"

#include "common/failure.hpp"
#include "platform/interrupt.hpp"

namespace app {

cvt::thread_pool make_pool(int threads) {
    const without_interrupts main_thread_only;
    cvt::result<cvt::thread_pool> pool = cvt::thread_pool::create(threads);
    if (!pool) throw failure{some_failed, pool.error().what()};
    return *std::move(pool);
}

}  // namespace app
