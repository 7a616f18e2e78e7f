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

    /// Appends "key value" if the value has a short form; if `nested`, also an object as "key (class: ...)".
    void put_item(std::uint32_t key, std::uint32_t value, bool nested) noexcept {
        char shown[256];
        if (full_ || values_.kind(key) != pickle_kind::text || !say(key, value, nested, shown)) return;
        put("%s%s", first_ ? "" : ", ", shown);
        first_ = false;
    }
    template <std::size_t N>
    bool say(std::uint32_t key, std::uint32_t value, bool nested, char (&to)[N]) noexcept {
        const printable name{values_.text(key), 40};
        double real = 0;
        switch (values_.kind(value)) {
            case pickle_kind::integer:
                return std::snprintf(to, N, "%s %lld", name.text, static_cast<long long>(values_.integer(value))) > 0;
            case pickle_kind::boolean: return std::snprintf(to, N, "%s %s", name.text, values_.integer(value) != 0 ? "true" : "false") > 0;
            case pickle_kind::real: return std::snprintf(to, N, "%s %g", name.text, values_.real(value)) > 0;
            case pickle_kind::text: return std::snprintf(to, N, "%s \"%s\"", name.text, printable{values_.text(value), 40}.text) > 0;
            case pickle_kind::object:
                if (numpy_scalar(value, real)) return std::snprintf(to, N, "%s %g", name.text, real) > 0;
                if (nested) put_object(name.text, value);
                return false;
            default: return false;
        }
    }
    /// Appends "args (argparse.Namespace: lr 0.1)".
    void put_object(const char* name, std::uint32_t object) noexcept {
        const std::uint32_t callee = values_.item_of(object, 0);
        if (values_.kind(callee) != pickle_kind::foreign) return;
        put("%s%s (%s.%s", first_ ? "" : ", ", name, printable{values_.module_of(callee), 60}.text,
            printable{values_.name_of(callee), 40}.text);
        for (std::uint32_t part = values_.next(values_.next(values_.first(object))); part != nothing && !full_; part = values_.next(part)) {
            const std::uint32_t state = values_.item(part);
            if (values_.kind(state) != pickle_kind::dict) continue;
            first_ = true;
            put(": ");
            for (std::uint32_t l = values_.first(state); l != nothing && !full_; l = values_.next(values_.next(l)))
                put_item(values_.item(l), values_.item(values_.next(l)), false);
        }
        put(")");
        first_ = false;
    }
    /// Reads numpy.core.multiarray.scalar(dtype('f8'), bytes), a pickled NumPy number; before protocol 3 the bytes are a latin-1 string.
    bool numpy_scalar(std::uint32_t object, double& out) const noexcept {
        const std::uint32_t callee = values_.item_of(object, 0), arguments = values_.item_of(object, 1);
        if (values_.kind(callee) != pickle_kind::foreign || values_.name_of(callee) != "scalar" ||
            values_.kind(arguments) != pickle_kind::tuple || values_.count(arguments) != 2)
            return false;
        const std::uint32_t type = values_.item_of(arguments, 0), data = values_.item_of(arguments, 1);
        std::uint32_t bytes = data;
        if (values_.kind(data) == pickle_kind::object) {
            const std::uint32_t encoded = values_.item_of(data, 1);
            if (values_.kind(encoded) != pickle_kind::tuple || values_.count(encoded) == 0) return false;
            bytes = values_.item_of(encoded, 0);
        }
        if (values_.kind(type) != pickle_kind::object ||
            (values_.kind(bytes) != pickle_kind::text && values_.kind(bytes) != pickle_kind::bytes))
            return false;
        const std::uint32_t name = values_.item_of(type, 1);
        if (values_.kind(name) != pickle_kind::tuple || values_.count(name) == 0 ||
            values_.kind(values_.item_of(name, 0)) != pickle_kind::text)
            return false;
        char raw[8]{};
        std::size_t size = 0;
        const std::string_view text = values_.text(bytes);
        for (std::size_t i = 0; i < text.size(); ++i) {
            auto byte = static_cast<unsigned char>(text[i]);
            if (values_.kind(bytes) == pickle_kind::text && byte >= 0xC0 && i + 1 < text.size())  // latin-1 in UTF-8: two bytes
                byte = static_cast<unsigned char>((byte & 3U) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3FU));
            if (size == sizeof raw) return false;
            raw[size++] = static_cast<char>(byte);
        }
        const std::string_view kind = values_.text(values_.item_of(name, 0));
        float single = 0;
        if (detail::same_text(kind, "f8") && size == 8) {
            std::memcpy(&out, raw, 8);
            return true;
        }
        if (!detail::same_text(kind, "f4") || size != 4) return false;
        std::memcpy(&single, raw, 4);
        out = static_cast<double>(single);
        return true;
    }

    const pickle_values& values_;
    char text_[capacity] = "";
    std::size_t size_ = 0;
    bool first_ = true, full_ = false;
};

}  // namespace checkpoint
CVT_NAMESPACE_END
