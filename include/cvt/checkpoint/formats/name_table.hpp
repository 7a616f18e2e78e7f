// name_table: distinct names, numbered in order of insertion, with lookup in constant time.
#pragma once

#include "../../runtime/buffer.hpp"
#include "../../text.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

using detail::printable;

/// An error about the tensor (or other part of a file) called `name`.
inline error error_of(std::string_view name, errc code, const char* what) noexcept {
    return error::format(code, "%s: %s", printable{name}.text, what);
}

class name_table {
public:
    [[nodiscard]] std::string_view operator[](std::size_t i) const noexcept { return {text_.data() + entries_[i].at, entries_[i].size}; }
    /// Returns the number of `name`, or -1.
    [[nodiscard]] std::ptrdiff_t find(std::string_view name) const noexcept {
        if (slots_.empty()) return -1;
        const std::size_t slot = slot_of(name);
        return slot == slots_.size() ? -1 : static_cast<std::ptrdiff_t>(slots_[slot]) - 1;
    }
    /// Adds a copy of `name` with the next number. Errors: out_of_memory; malformed (the table contains the name already);
    /// unsupported (too many hash collisions, more than 4 GiB of names).
    error add(std::string_view name) noexcept {
        if (error e = grow()) return e;
        const std::size_t slot = slot_of(name);
        if (slot == slots_.size()) return collided();
        if (slots_[slot] != 0) return error_of(name, errc::malformed, "the name occurs twice");
        if (text_.size() + name.size() > UINT32_MAX) return error::format(errc::unsupported, "the names of the tensors exceed 4 GiB");
        const entry added{static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(name.size())};
        if (!text_.append(name.data(), name.size())) return no_memory(2 * text_.size());
        if (!entries_.push_back(added)) return no_memory(2 * entries_.size() * sizeof(entry));
        slots_[slot] = static_cast<std::uint32_t>(entries_.size());
        return {};
    }

private:
    struct entry {
        std::uint32_t at, size;  // in text_
    };
    static error collided() noexcept { return error::format(errc::unsupported, "too many hash collisions among the tensor names"); }
    static error no_memory(std::size_t bytes) noexcept { return error::out_of_memory("the table of tensors", bytes); }

    [[nodiscard]] std::size_t slot_of(std::string_view name) const noexcept {
        return detail::place_of(slots_, detail::fnv1a(name), [&](std::uint32_t i) { return detail::same_text((*this)[i - 1], name); });
    }
    [[nodiscard]] error grow() noexcept {
        if (slots_.size() >= 2 * (entries_.size() + 1)) return {};
        detail::buffer<std::uint32_t> larger;
        const std::size_t count = slots_.empty() ? 1024 : slots_.size() * 2, bytes = count * sizeof(std::uint32_t);
        if (!larger.resize(count)) return no_memory(bytes);
        std::memset(larger.data(), 0, bytes);
        slots_ = std::move(larger);
        for (std::uint32_t i = 0; i < entries_.size(); ++i) {
            const std::size_t slot = slot_of((*this)[i]);
            if (slot == slots_.size()) return collided();
            slots_[slot] = i + 1;
        }
        return {};
    }

    detail::buffer<entry> entries_;
    detail::buffer<char> text_;
    detail::buffer<std::uint32_t> slots_;  // hash table of entry number + 1, 0 in free slots; its size is a power of two
};

}  // namespace checkpoint
CVT_NAMESPACE_END
