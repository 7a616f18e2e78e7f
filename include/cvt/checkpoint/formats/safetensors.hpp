// Reads the table of tensors of a safetensors file; refuses a file whose table and data do not match exactly.
#pragma once

#include <algorithm>

#include "../../runtime/sort.hpp"
#include "../json/json.hpp"
#include "tensor_table.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// The maximum size of a header, the same as in the reference implementation.
inline constexpr std::size_t max_safetensors_header = 100'000'000;

/// A metadata entry that the caller asks for. Of all files read into one table, at most one may contain it.
struct metadata_entry {
    std::string_view key;
    std::size_t max_size = 0;   ///< a longer value is an error
    detail::buffer<char> text;  ///< empty if no file contains it
};

namespace safetensors {

struct format_type {
    std::string_view name;
    dtype type;
};

/// Integers and booleans are counters beside the weights: only their width matters, and they are never used, except bytes with scales.
/// 8-bit and smaller floats are missing: they would need scales, too.
inline constexpr format_type types[] = {
    {"F32", dtype::f32}, {"F16", dtype::f16}, {"BF16", dtype::bf16}, {"F64", dtype::f64}, {"I64", dtype::i64},
    {"U64", dtype::i64}, {"I32", dtype::i32}, {"U32", dtype::i32},   {"I16", dtype::i16}, {"U16", dtype::i16},
    {"I8", dtype::i8},   {"U8", dtype::u8},   {"BOOL", dtype::u8},
};

/// The range of a tensor's bytes, relative to the end of the header.
struct byte_range {
    unsigned long long begin, end;
    std::uint32_t tensor;  ///< its number, for messages
};

/// Reads all elements of a list of non-negative integers. False if `list` is anything else.
inline bool read_integers(const json_value& list, std::int64_t* out) noexcept {
    for (json_value v = list.first(); v; v = v.next()) {
        *out = v.integer().value_or(-1);
        if (*out++ < 0) return false;
    }
    return true;
}

/// Reads one member of the header.
inline error read_entry(const json_value& info, unsigned long long data_size, tensor_entry& entry, byte_range& range) noexcept {
    const std::string_view name = info.key();
    const auto bad = [name](errc code, const char* what) noexcept { return error_of(name, code, what); };
    if (!info.is(json_kind::object)) return bad(errc::malformed, "expected an object with dtype, shape and data_offsets");

    const json_value kind = info.find("dtype");
    if (!kind.is(json_kind::string)) return bad(errc::malformed, "dtype: expected a string");
    const auto* known = std::find_if(std::begin(types), std::end(types), [&](const format_type& t) { return t.name == kind.string(); });
    if (known == std::end(types))
        return error::format(errc::unsupported, "%s: dtype: expected F32, F16, BF16 or F64, found %s", printable{name}.text,
                             printable{kind.string(), 40}.text);
    entry.type = known->type;

    const json_value shape = info.find("shape"), span = info.find("data_offsets");
    if (shape.is(json_kind::array) && shape.size() > tensor_entry::max_rank) return bad(errc::unsupported, "more than 8 dimensions");
    if (!shape.is(json_kind::array) || !read_integers(shape, entry.shape))
        return bad(errc::malformed, "shape: expected a list of non-negative integers");
    entry.rank = static_cast<std::uint8_t>(shape.size());

    std::int64_t offsets[2]{};
    if (!span.is(json_kind::array) || span.size() != 2 || !read_integers(span, offsets) || offsets[0] > offsets[1])
        return bad(errc::malformed, "data_offsets: expected two integers, begin and end");
    range.begin = static_cast<std::uint64_t>(offsets[0]);
    range.end = static_cast<std::uint64_t>(offsets[1]);
    if (range.end > data_size)
        return error::format(errc::malformed, "%s: its data ends at byte %llu, the file's data at %llu: the file is truncated",
                             printable{name}.text, range.end, data_size);

    unsigned long long bytes = size_of(entry.type);
    for (const std::int64_t extent : entry.extents()) {  // extents of 0 count as 1, so that no partial product overflows
        const auto factor = static_cast<std::uint64_t>(std::max(extent, std::int64_t{1}));
        if (bytes > INT64_MAX / factor) return bad(errc::malformed, "shape: the number of elements overflows");
        bytes *= factor;
    }
    if (entry.elements() == 0) bytes = 0;
    if (bytes != range.end - range.begin)
        return error::format(errc::malformed, "%s: shape and dtype need %llu bytes, data_offsets span %llu", printable{name}.text, bytes,
                             range.end - range.begin);
    entry.set_contiguous();
    return {};
}

/// Checks that all values of __metadata__ are strings, and keeps the one that `wanted` asks for.
inline error read_metadata(const json_value& metadata, metadata_entry* wanted) noexcept {
    if (!metadata.is(json_kind::object)) return error::format(errc::malformed, "__metadata__: expected an object");
    for (json_value v = metadata.first(); v; v = v.next()) {
        if (!v.is(json_kind::string)) return error::format(errc::malformed, "__metadata__: expected strings only");
        if (wanted == nullptr || v.key() != wanted->key) continue;
        const std::string_view text = v.string();
        if (text.size() > wanted->max_size || !wanted->text.empty())
            return error::format(errc::malformed, "__metadata__: %s: expected one string of at most %zu bytes", printable{v.key()}.text,
                                 wanted->max_size);
        if (!wanted->text.append(text.data(), text.size())) return error::out_of_memory("the metadata of a checkpoint", text.size());
    }
    return {};
}

/// Checks that the tensors cover each byte of the data exactly once.
inline error check_coverage(const tensor_table& file, detail::buffer<byte_range>& ranges, unsigned long long data_size) noexcept {
    detail::sort(ranges, [](const byte_range& a, const byte_range& b) { return a.begin != b.begin ? a.begin < b.begin : a.end < b.end; });
    unsigned long long covered = 0;
    for (const byte_range& r : ranges) {
        if (r.begin != covered)
            return error::format(errc::malformed, "%s: its data begins at byte %llu, expected %llu: %s",
                                 printable{file.name(r.tensor)}.text, r.begin, covered,
                                 r.begin < covered ? "they overlap another tensor's data" : "they leave a gap");
        covered = r.end;
    }
    if (covered != data_size)
        return error::format(errc::malformed, "the tensors end at byte %llu, the file's data at %llu", covered, data_size);
    return {};
}

}  // namespace safetensors

/// Adds the tensors of `file` to `out`, which may contain other shards, and keeps the metadata entry `wanted`. Errors: io;
/// out_of_memory; malformed (sizes that do not match, overlaps, gaps, duplicate names); unsupported (dtypes that do not convert to
/// float32).
inline error read_safetensors(byte_source&& file, tensor_table& out, metadata_entry* wanted = nullptr) noexcept {
    unsigned long long header_size = 0;
    if (file.size() < 10)
        return error::format(errc::malformed, "%llu bytes are too few for a safetensors file",
                             static_cast<unsigned long long>(file.size()));
    if (error e = file.read(0, sizeof header_size, &header_size)) return e;
    if (header_size > max_safetensors_header || header_size > file.size() - 8)
        return error::format(errc::malformed, "safetensors header: expected at most %llu bytes, found a length of %llu",
                             std::min<unsigned long long>(max_safetensors_header, file.size() - 8), header_size);
    detail::buffer<char> text;
    if (!text.resize(header_size)) return error::out_of_memory("a safetensors header", header_size);
    if (error e = file.read(8, text.size(), text.data())) return e;
    if (text.empty() || text[0] != '{') return error::format(errc::malformed, "safetensors header: expected '{' at byte 8");
    result<json> parsed = json::parse(std::move(text));
    if (!parsed) return error::format(parsed.error().code(), "safetensors header: %s", parsed.error().what());

    const std::uint64_t data_at = 8 + header_size, data_size = file.size() - data_at;
    result<std::uint16_t> shard = out.add_source(std::move(file));
    if (!shard) return shard.error();
    detail::buffer<safetensors::byte_range> ranges;
    for (json_value info = parsed->root().first(); info; info = info.next()) {
        if (detail::same_text(info.key(), "__metadata__")) {
            if (error e = safetensors::read_metadata(info, wanted)) return e;
            continue;
        }
        tensor_entry entry;
        safetensors::byte_range range{0, 0, static_cast<std::uint32_t>(out.size())};
        if (error e = safetensors::read_entry(info, data_size, entry, range)) return e;
        entry.shard = *shard;
        entry.offset = data_at + range.begin;
        if (error e = out.add(info.key(), entry)) return e;
        if (!ranges.push_back(range)) return error::out_of_memory("the table of tensors", 2 * ranges.size() * sizeof range);
    }
    return safetensors::check_coverage(out, ranges, data_size);
}

}  // namespace checkpoint
CVT_NAMESPACE_END
