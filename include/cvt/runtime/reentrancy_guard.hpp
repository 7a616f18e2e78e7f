// reentrancy_guard: detects two simultaneous uses of an object that belongs to one thread at a time, in every build.
#pragma once

#include <atomic>

#include "../version.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// A flag in the object, and a `call` on the stack of each of its functions. The second of two simultaneous calls converts
/// to false and does not disturb the first. Costs one atomic exchange per call. A moved object starts with no call running.
class reentrancy_guard {
public:
    reentrancy_guard() noexcept = default;
    reentrancy_guard(reentrancy_guard&&) noexcept {}
    reentrancy_guard& operator=(reentrancy_guard&&) noexcept { return *this; }
    ~reentrancy_guard() = default;

    class call {
    public:
        explicit call(reentrancy_guard& object) noexcept : busy_{object.busy_}, alone_{!busy_.exchange(true, std::memory_order_acquire)} {}
        ~call() {
            if (alone_) busy_.store(false, std::memory_order_release);
        }
        call(const call&) = delete;
        call& operator=(const call&) = delete;
        explicit operator bool() const noexcept { return alone_; }

    private:
        std::atomic<bool>& busy_;
        const bool alone_;
    };

private:
    std::atomic<bool> busy_{false};
};

}  // namespace detail
CVT_NAMESPACE_END
