// label_list: the names of a model's classes, in two allocations for any number of them.
#pragma once

#include <string_view>

#include "runtime/buffer.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// Texts by class index, in UTF-8, each ending in NUL.
class label_list {
public:
    [[nodiscard]] int size() const noexcept { return static_cast<int>(starts_.size()); }
    [[nodiscard]] bool empty() const noexcept { return starts_.empty(); }
    /// "" for an index that is out of range.
    [[nodiscard]] const char* operator[](int index) const noexcept {
        return index < 0 || index >= size() ? "" : text_.data() + starts_[static_cast<std::size_t>(index)];
    }
    /// Adds the label of the next class. False when memory runs out.
    [[nodiscard]] bool add(std::string_view label) noexcept {
        const auto start = static_cast<std::uint32_t>(text_.size());
        return text_.append(label.data(), label.size()) && text_.push_back('\0') && starts_.push_back(start);
    }

private:
    buffer<char> text_;
    buffer<std::uint32_t> starts_;
};

}  // namespace detail
CVT_NAMESPACE_END
