// reentrancy_guard: notices that an object for one thread at a time is used by two, in every build.
#pragma once

#include <atomic>

#include "../version.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// A flag in the object, and a `call` on the stack of each of its functions: the second of two at once is false, has
/// touched nothing and leaves the first alone. Costs one exchange a call. An object that is moved begins anew.
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
