// Finds the tensors of a configuration in a table, and reports all missing, unexpected and misshapen ones in one message.
#pragma once

#include "../network/tensor_list.hpp"
#include "../weight_source.hpp"
#include "formats/tensor_table.hpp"
#include "int8_weights.hpp"
#include "tensor_names.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// Returns the entry with that official name, or null.
inline const tensor_entry* find_official(const tensor_table& tensors, const name_style& style, const char* official_name) noexcept {
    const std::ptrdiff_t i = tensors.find(style.in_file(official_name).view());
    return i < 0 ? nullptr : &tensors.entry(static_cast<std::size_t>(i));
}

/// A shape as text: "[384, 1, 3, 3]".
struct shape_text : detail::text_list<8 * 22 + 4> {
    explicit shape_text(std::span<const std::int64_t> shape) noexcept {
        add("", "[");
        for (const std::int64_t& extent : shape) add("", &extent == shape.data() ? "%lld" : ", %lld", static_cast<long long>(extent));
        add("", "]");
    }
};

/// One kind of disagreement: its count and a few names.
struct tensor_problems {
    int count = 0;
    detail::text_list<300> names;

    /// Counts one more, and adds its text unless there are `limit` already or the buffer is full.
    CVT_PRINTF(3, 4) void add(int limit, const char* pattern, ...) noexcept {
        if (++count > limit + 1) return;
        char one[280] = "...";
        std::va_list arguments;
        va_start(arguments, pattern);
        if (count <= limit) std::vsnprintf(one, sizeof one, pattern, arguments);
        va_end(arguments);
        names.add("; ", "%s", one);
    }
};

/// Where the tensors of a configuration are in a table, whose names may be spelled in another way.
struct tensor_index {
    name_table names;                         ///< official, in the order of for_each_tensor
    detail::buffer<std::uint32_t> tensor_of;  ///< the number of each of them in the table
    int int8_weights = 0;                     ///< weights that are bytes with scales
    int float_weights = 0;                    ///< weights that are not, although an int8 model packs them as bytes

    /// Returns the number in the table of the tensor with that official name, or -1.
    [[nodiscard]] std::ptrdiff_t find(const char* official_name) const noexcept {
        const std::ptrdiff_t i = names.find(official_name);
        return i < 0 ? -1 : static_cast<std::ptrdiff_t>(tensor_of[static_cast<std::size_t>(i)]);
    }
    [[nodiscard]] error add(const char* official_name, std::ptrdiff_t tensor) noexcept {
        if (!tensor_of.push_back(static_cast<std::uint32_t>(tensor)))
            return error::out_of_memory("the table of tensors", 2 * tensor_of.size() * sizeof(std::uint32_t));
        return names.add(official_name);
    }
};

/// Returns the number of the tensor whose name is that of tensor `i` with a suffix, or -1.
inline std::ptrdiff_t find_beside(const tensor_table& tensors, std::size_t i, std::string_view suffix) noexcept {
    return tensors.find(file_name{}.append(tensors.name(i)).append(suffix).view());
}

/// Returns the reason why tensor `i`, whose elements are bytes, cannot be read with tensor `scales` as its scales, or null. `scales`: -1 if
/// there are none.
inline const char* why_not_scaled(const tensor_table& tensors, std::size_t i, std::ptrdiff_t scales) noexcept {
    if (scales < 0) return "expected floating-point values, file has 8-bit integers without _scale beside them";
    if (find_beside(tensors, i, zero_point_suffix) >= 0) return "expected symmetric 8-bit integers, file has _zero_point beside them";
    const tensor_entry &bytes = tensors.entry(i), &found = tensors.entry(static_cast<std::size_t>(scales));
    const bool one_each = found.rank >= 1 && found.shape[0] == bytes.shape[0] && found.elements() == bytes.shape[0];
    return bytes.rank >= 2 && is_floating(found.type) && one_each ? nullptr : "expected _scale with a number for each row";
}

/// Finds every tensor of `c` in `tensors`, and looks for tensors that `c` does not have. Integers, BatchNorm's step counters and single
/// numbers are allowed beside a whole model. Other tensors of its dictionary are a warning, or an error inside a stage. `index` holds
/// the tensors that were found, even on an error. Errors: mismatch (with the first few of each kind and their count), unsupported (a model
/// more than 8 times as large as the file), out_of_memory.
inline error check_tensors(const tensor_table& tensors, const name_style& style, const config& c, tensor_index& index,
                           warning_list& warnings) noexcept {
    detail::buffer<char> used;
    if (!used.resize(tensors.size())) return error::out_of_memory("the table of tensors", tensors.size());
    std::memset(used.data(), 0, used.size());
    tensor_problems mismatched, missing, unexpected;
    std::uint64_t file_bytes = 0, needed = 0;
    for (std::size_t s = 0; s < tensors.sources(); ++s) file_bytes += tensors.source(static_cast<std::uint16_t>(s)).size();
    error failed;
    network::for_each_tensor(c, [&](const network::tensor_info& t) noexcept {
        const char* const name = t.name;
        const std::span<const std::int64_t> shape = t.extents();
        if (failed) return;
        const std::ptrdiff_t i = tensors.find(style.in_file(name).view());
        if (i < 0) {
            const char* const why = tensors.why_unread(style.in_file(name).view());
            return why != nullptr ? mismatched.add(2, "%s: not read: %s", name, why) : missing.add(3, "%s", name);
        }
        failed = index.add(name, i);
        const tensor_entry& entry = tensors.entry(static_cast<std::size_t>(i));
        used[static_cast<std::size_t>(i)] = 1;
        if (needed <= 8 * file_bytes) needed += static_cast<std::uint64_t>(entry.elements()) * sizeof(float);
        if (!std::equal(shape.begin(), shape.end(), entry.extents().begin(), entry.extents().end()))
            return mismatched.add(2, "%s: expected %s, file has %s", name, shape_text(shape).text, shape_text(entry.extents()).text);
        if (entry.type == dtype::i8) {
            const std::ptrdiff_t scales = find_beside(tensors, static_cast<std::size_t>(i), scale_suffix);
            if (scales >= 0) used[static_cast<std::size_t>(scales)] = 1;
            if (const char* const why = why_not_scaled(tensors, static_cast<std::size_t>(i), scales))
                mismatched.add(2, "%s: %s", name, why);
            ++index.int8_weights;
        } else if (!is_floating(entry.type)) {
            mismatched.add(2, "%s: expected floating-point values, file has integers", name);
        } else if (network::is_int8_weight(t.id, t.at)) {
            ++index.float_weights;
        }
    });
    if (failed) return failed;
    const std::string_view dictionary = style.dictionary();
    int inside = 0;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const std::string_view name = tensors.name(i);
        if (used[i] != 0 || !is_floating(tensors.entry(i).type) || is_step_counter(name)) continue;
        if (!name.starts_with(dictionary) || name.find('/', dictionary.size()) != std::string_view::npos) continue;
        unexpected.add(3, "%s", printable{detail::slice(name, dictionary.size()), 120}.text);
        inside += style.in_stage(name) && tensors.entry(i).elements() > 1 ? 1 : 0;
    }
    if (mismatched.count + missing.count + inside == 0) {
        if (unexpected.count > 0)
            warnings.add("%d tensor%s beside the model %s not used: %.120s", unexpected.count, unexpected.count == 1 ? "" : "s",
                         unexpected.count == 1 ? "is" : "are", unexpected.names.text);
        // Tensors may share storage, but a small file must not cause gigabytes to be allocated by naming the same bytes many times.
        if (needed <= 8 * file_bytes) return {};
        return error::format(errc::unsupported,
                             "tensors share storage: the model would be more than 8 times as large as the file of %llu bytes",
                             static_cast<unsigned long long>(file_bytes));
    }
    if (missing.count + unexpected.count == 0 && mismatched.count == 1) return error::format(errc::mismatch, "%s", mismatched.names.text);

    detail::text_list<error::capacity> parts;
    detail::text_list<120> counts;
    const auto part = [&](const tensor_problems& p, const char* what) noexcept {
        if (p.count == 0) return;
        counts.add(", ", "%d %s", p.count, what);
        parts.add(" | ", "%s: %s", what, p.names.text);
    };
    part(mismatched, "mismatched");
    part(missing, "missing");
    part(unexpected, "unexpected");
    return error::format(errc::mismatch, "tensors do not fit the configuration (%s) | %s", counts.text, parts.text);
}

}  // namespace checkpoint
CVT_NAMESPACE_END
