// name_table: distinct names, numbered in the order in which they came, each found again in constant time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "../../error.hpp"
#include "../../runtime/buffer.hpp"
#include "../../text.hpp"
#include "../json/hash_table.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

class name_table {
public:
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] std::string_view operator[](std::size_t i) const noexcept { return {text_.data() + entries_[i].at, entries_[i].size}; }
    /// Number of `name`, or -1.
    [[nodiscard]] std::ptrdiff_t find(std::string_view name) const noexcept;
    /// Adds a copy of `name`, whose number is then size() - 1. Errors: out_of_memory; malformed (the name is there already);
    /// unsupported (names that collide on purpose, more than 4 GiB of them).
    error add(std::string_view name) noexcept;

private:
    struct entry {
        std::uint32_t at, size;  // in text_
    };
    [[nodiscard]] std::size_t slot_of(std::string_view name) const noexcept;
    [[nodiscard]] error grow() noexcept;
    static error collided() noexcept { return error::format(errc::unsupported, "the tensors' names are made to slow down their table"); }
    static error no_memory(std::size_t bytes) noexcept { return error::out_of_memory("the table of tensors", bytes); }

    detail::buffer<entry> entries_;
    detail::buffer<char> text_;
    detail::buffer<std::uint32_t> slots_;  // hash table of entry number + 1, 0 where free; its size is a power of two
};

inline std::size_t name_table::slot_of(std::string_view name) const noexcept {
    return place_of(slots_, detail::fnv1a(name), [&](std::uint32_t i) { return (*this)[i - 1] == name; });
}

inline std::ptrdiff_t name_table::find(std::string_view name) const noexcept {
    if (slots_.empty()) return -1;
    const std::size_t slot = slot_of(name);
    return slot == slots_.size() ? -1 : static_cast<std::ptrdiff_t>(slots_[slot]) - 1;
}

inline error name_table::grow() noexcept {
    if (slots_.size() >= 2 * (entries_.size() + 1)) return {};
    detail::buffer<std::uint32_t> larger;
    const std::size_t count = slots_.empty() ? 1024 : slots_.size() * 2;
    if (!larger.resize(count)) return no_memory(count * sizeof(std::uint32_t));
    std::memset(larger.data(), 0, larger.size() * sizeof(std::uint32_t));
    slots_ = std::move(larger);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const std::size_t slot = slot_of((*this)[i]);
        if (slot == slots_.size()) return collided();
        slots_[slot] = static_cast<std::uint32_t>(i + 1);
    }
    return {};
}

inline error name_table::add(std::string_view name) noexcept {
    if (error e = grow()) return e;
    const std::size_t slot = slot_of(name);
    if (slot == slots_.size()) return collided();
    if (slots_[slot] != 0) return error::format(errc::malformed, "%s: the name occurs twice", detail::printable{name}.text);
    if (text_.size() + name.size() > UINT32_MAX) return error::format(errc::unsupported, "the names of the tensors exceed 4 GiB");
    const entry added{static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(name.size())};
    if (!text_.append(name.data(), name.size())) return no_memory(2 * text_.size());
    if (!entries_.push_back(added)) return no_memory(2 * entries_.size() * sizeof(entry));
    slots_[slot] = static_cast<std::uint32_t>(entries_.size());
    return {};
}

}  // namespace checkpoint
CVT_NAMESPACE_END
