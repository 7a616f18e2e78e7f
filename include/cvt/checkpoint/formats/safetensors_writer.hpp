// Writes safetensors files: the caller declares all tensors, writes the header that lists them, then writes their bytes.
#pragma once

#include "../json/writer.hpp"
#include "output_file.hpp"
#include "safetensors.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// The header of a safetensors file. After write() the tensors' bytes follow in the order of their declarations. Declare
/// the widest types first: then every tensor is aligned for its type.
class safetensors_header {
public:
    safetensors_header() noexcept { json_.begin_object(); }

    /// Adds key and value pairs, both UTF-8. Call once, before the first tensor. transformers requires {"format", "pt"}.
    void metadata(std::span<const std::pair<std::string_view, std::string_view>> pairs) noexcept {
        json_.key("__metadata__").begin_object();
        for (const auto& [key, value] : pairs) json_.key(key).string(value);
        json_.end_object();
    }

    /// Declares a tensor. `type` must be a floating-point type or dtype::i64.
    void declare(std::string_view name, dtype type, std::span<const std::int64_t> shape) noexcept {
        std::string_view type_name;
        for (const safetensors::format_type& t : safetensors::types)
            if (type_name.empty() && t.type == type) type_name = t.name;
        json_.key(name).begin_object().key("dtype").string(type_name).key("shape").begin_list();
        std::uint64_t bytes = size_of(type);
        for (const std::int64_t extent : shape) {
            json_.integer(extent);
            bytes *= static_cast<std::uint64_t>(extent);
        }
        json_.end_list().key("data_offsets").begin_list().integer(data_size_).integer(data_size_ + bytes).end_list().end_object();
        data_size_ += bytes;
        ++tensors_;
    }

    [[nodiscard]] std::uint64_t data_size() const noexcept { return data_size_; }
    [[nodiscard]] std::size_t tensors() const noexcept { return tensors_; }

    /// Completes the header and writes it. Errors: io, out_of_memory, unsupported (a header longer than the format allows).
    error write(output_file& to) noexcept {
        json_.end_object();
        const std::string_view text = json_.text();
        if (!json_.good()) return error::out_of_memory("a safetensors header", text.size());
        const std::size_t padding = (8 - text.size() % 8) % 8;
        const unsigned long long length = text.size() + padding;
        if (length > max_safetensors_header)
            return error::format(errc::unsupported, "safetensors header: expected at most %zu bytes, found %llu", max_safetensors_header,
                                 length);
        if (error e = to.write(&length, sizeof length)) return e;
        if (error e = to.write(text.data(), text.size())) return e;
        return to.write("        ", padding);
    }

private:
    json_writer json_{json_writer::layout::one_line};
    std::uint64_t data_size_ = 0;
    std::size_t tensors_ = 0;
};

}  // namespace checkpoint
CVT_NAMESPACE_END
