// unique_handle: closes what a C library has opened.
#pragma once

#include <utility>

#include "../version.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// A std::unique_ptr for handles, without <memory>, which would make <cvt/cvt.hpp> slower to compile.
template <class T, class Close>
class unique_handle {
public:
    unique_handle() noexcept = default;
    explicit unique_handle(T* handle) noexcept : handle_{handle} {}
    unique_handle(unique_handle&& other) noexcept : handle_{std::exchange(other.handle_, nullptr)} {}
    unique_handle& operator=(unique_handle&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~unique_handle() {
        if (handle_ != nullptr) Close{}(handle_);
    }

    void reset(T* handle = nullptr) noexcept { *this = unique_handle{handle}; }
    [[nodiscard]] T* get() const noexcept { return handle_; }
    [[nodiscard]] explicit operator bool() const noexcept { return handle_ != nullptr; }
    /// The caller closes it.
    [[nodiscard]] T* release() noexcept { return std::exchange(handle_, nullptr); }

private:
    T* handle_ = nullptr;
};

}  // namespace detail
CVT_NAMESPACE_END
