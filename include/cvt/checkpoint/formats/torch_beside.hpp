// Summarises in one line what a PyTorch checkpoint contains beside its tensors: "epoch 7, best_acc 81.6, args (argparse.Namespace: ...)".
#pragma once

#include "pickle_values.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// The summary, cut at the capacity. Names and values are cleaned, so that they cannot control a terminal.
class beside_text {
public:
    static constexpr std::size_t capacity = 400;

    /// Summarises the numbers and strings in the dictionary `root`, and those in its objects.
    beside_text(const pickle_values& values, std::uint32_t root) noexcept : values_{values} {
        if (values.kind(root) != pickle_kind::dict) return;
        for (std::uint32_t l = values.first(root); l != nothing && !full_; l = values.next(values.next(l)))
            put_item(values.item(l), values.item(values.next(l)), true);
    }
    [[nodiscard]] const char* c_str() const noexcept { return text_; }

private:
    static constexpr std::uint32_t nothing = pickle_values::nothing;

    CVT_PRINTF(2, 3) void put(const char* pattern, ...) noexcept {
        if (full_) return;
        std::va_list arguments;
        va_start(arguments, pattern);
        const int length = std::vsnprintf(text_ + size_, sizeof text_ - size_, pattern, arguments);
        va_end(arguments);
        constexpr std::size_t rest = sizeof ", ...";  // kept free for the end of a text that is cut
        full_ = length < 0 || size_ + static_cast<std::size_t>(length) + rest > sizeof text_;
        if (full_)
            std::snprintf(text_ + size_, sizeof text_ - size_, ", ...");
        else
            size_ += static_cast<std::size_t>(length);
    }

    /// Returns what precedes an item. Only ": " before the first item of an object ends in a space.
    [[nodiscard]] const char* comma() const noexcept { return size_ == 0 || text_[size_ - 1] == ' ' ? "" : ", "; }

    /// Appends "key value" if the value has a short form; if `nested`, also an object as "key (class: ...)".
    void put_item(std::uint32_t key, std::uint32_t value, bool nested) noexcept {
        if (values_.kind(key) != pickle_kind::text) return;
        const printable name{values_.text(key), 40};
        double real = 0;
        switch (values_.kind(value)) {
            case pickle_kind::integer: return put("%s%s %lld", comma(), name.text, static_cast<long long>(values_.integer(value)));
            case pickle_kind::boolean: return put("%s%s %s", comma(), name.text, values_.integer(value) != 0 ? "true" : "false");
            case pickle_kind::real: return put("%s%s %g", comma(), name.text, values_.real(value));
            case pickle_kind::text: return put("%s%s \"%s\"", comma(), name.text, printable{values_.text(value), 40}.text);
            case pickle_kind::object:
                if (numpy_scalar(value, real)) return put("%s%s %g", comma(), name.text, real);
                if (nested) put_object(name.text, value);
                return;
            default: return;
        }
    }
    /// Appends "args (argparse.Namespace: lr 0.1)".
    void put_object(const char* name, std::uint32_t object) noexcept {
        const std::uint32_t callee = values_.item_of(object, 0);
        if (values_.kind(callee) != pickle_kind::foreign) return;
        put("%s%s (%s.%s", comma(), name, printable{values_.module_of(callee), 60}.text, printable{values_.name_of(callee), 40}.text);
        for (std::uint32_t part = values_.next(values_.next(values_.first(object))); part != nothing && !full_; part = values_.next(part)) {
            const std::uint32_t state = values_.item(part);
            if (values_.kind(state) != pickle_kind::dict) continue;
            put(": ");
            for (std::uint32_t l = values_.first(state); l != nothing && !full_; l = values_.next(values_.next(l)))
                put_item(values_.item(l), values_.item(values_.next(l)), false);
        }
        put(")");
    }
    /// Reads numpy.core.multiarray.scalar(dtype('f8'), bytes), a pickled NumPy number; before protocol 3 the bytes are a latin-1 string.
    bool numpy_scalar(std::uint32_t object, double& out) const noexcept {
        const std::uint32_t callee = values_.item_of(object, 0), arguments = values_.item_of(object, 1);
        if (values_.kind(callee) != pickle_kind::foreign || values_.name_of(callee) != "scalar" ||
            values_.kind(arguments) != pickle_kind::tuple || values_.count(arguments) != 2)
            return false;
        const std::uint32_t type = values_.item_of(arguments, 0), data = values_.item_of(arguments, 1);
        const std::uint32_t name = values_.kind(type) == pickle_kind::object ? values_.argument_of(type, 0) : nothing;
        const std::uint32_t bytes = values_.kind(data) == pickle_kind::object ? values_.argument_of(data, 0) : data;
        if (name == nothing || values_.kind(name) != pickle_kind::text || bytes == nothing ||
            (values_.kind(bytes) != pickle_kind::text && values_.kind(bytes) != pickle_kind::bytes))
            return false;
        std::byte raw[8]{};
        std::size_t size = 0;
        const std::string_view text = values_.text(bytes);
        for (std::size_t i = 0; i < text.size(); ++i) {
            auto byte = static_cast<unsigned char>(text[i]);
            if (values_.kind(bytes) == pickle_kind::text && byte >= 0xC0 && i + 1 < text.size())  // latin-1 in UTF-8: two bytes
                byte = static_cast<unsigned char>((byte & 3U) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3FU));
            if (size == sizeof raw) return false;
            raw[size++] = std::byte{byte};
        }
        const std::string_view kind = values_.text(name);
        const bool is_double = size == 8 && detail::same_text(kind, "f8"), is_float = size == 4 && detail::same_text(kind, "f4");
        if (is_double || is_float) out = is_double ? load<double>(raw) : static_cast<double>(load<float>(raw));
        return is_double || is_float;
    }

    const pickle_values& values_;
    char text_[capacity] = "";
    std::size_t size_ = 0;
    bool full_ = false;
};

}  // namespace checkpoint
CVT_NAMESPACE_END
