// The keys of a config.json with one value for each stage: their names, Microsoft's spelling, their values as text, and which are missing.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "../config.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

// The keys with one value for each stage, in the order in which transformers writes them: visit(key, member, whether the key has a
// default for any number of stages, the last projection that uses the key).

template <class Visit>
constexpr void visit_patch_keys(Visit&& visit) noexcept {
    visit("patch_sizes", &stage_config::patch_size, false, projection::linear);
    visit("patch_stride", &stage_config::patch_stride, false, projection::linear);
    visit("patch_padding", &stage_config::patch_padding, false, projection::linear);
}

template <class Visit>
constexpr void visit_width_keys(Visit&& visit) noexcept {
    visit("embed_dim", &stage_config::embed_dim, false, projection::linear);
    visit("num_heads", &stage_config::num_heads, false, projection::linear);
    visit("depth", &stage_config::depth, false, projection::linear);
    visit("mlp_ratio", &stage_config::mlp_ratio, true, projection::linear);
}

template <class Visit>
constexpr void visit_attention_keys(Visit&& visit) noexcept {
    visit("qkv_bias", &stage_config::qkv_bias, true, projection::linear);
    visit("cls_token", &stage_config::cls_token, false, projection::linear);
    visit("qkv_projection_method", &stage_config::qkv_projection, true, projection::linear);
    visit("kernel_qkv", &stage_config::kernel_qkv, true, projection::avg);
    visit("padding_kv", &stage_config::padding_kv, true, projection::avg);
    visit("stride_kv", &stage_config::stride_kv, true, projection::avg);
    visit("padding_q", &stage_config::padding_q, true, projection::dw_bn);
    visit("stride_q", &stage_config::stride_q, true, projection::dw_bn);
}

template <class Visit>
constexpr void visit_stage_keys(Visit&& visit) noexcept {
    visit_width_keys(visit);
    visit_patch_keys(visit);
    visit_attention_keys(visit);
}

/// The name of such a key, and the last projection that uses it.
struct stage_key {
    const char* name = nullptr;
    projection last{};
};
inline constexpr auto stage_keys = [] {
    std::array<stage_key, 15> keys{};
    std::size_t i = 0;
    visit_stage_keys([&](const char* name, auto, bool, projection last) noexcept { keys[i++] = {name, last}; });
    return keys;
}();
static_assert(stage_keys.back().name != nullptr);

/// Some of these keys: bit i is stage_keys[i].
using key_set = unsigned;

/// Returns the keys of a set for which holds(key) is true.
template <class Holds>
key_set keys_with(key_set keys, Holds&& holds) noexcept {
    for (std::size_t i = 0; i < stage_keys.size(); ++i)
        if (((keys >> i) & 1U) != 0 && !holds(stage_keys[i])) keys &= ~(1U << i);
    return keys;
}
inline constexpr key_set all_keys = (1U << stage_keys.size()) - 1;

/// Calls visit(key, member, the last projection that uses the key) for the keys of a set.
template <class Visit>
void visit_keys(key_set keys, Visit&& visit) noexcept {
    visit_stage_keys([&](const char* key, auto member, bool, projection last) noexcept {
        if ((keys & 1U) != 0) visit(key, member, last);
        keys >>= 1;
    });
}

/// The spelling of such a key in Microsoft's configurations: DIM_EMBED for embed_dim, PATCH_STRIDE for patch_stride.
struct spec_key {
    char text[32];
    explicit spec_key(std::string_view key) noexcept {
        if (detail::same_text(key, "embed_dim")) key = "dim_embed";
        if (detail::same_text(key, "patch_sizes")) key = "patch_size";
        if (detail::same_text(key, "qkv_projection_method")) key = "qkv_proj_method";
        std::size_t size = 0;
        for (const char c : key) text[size++] = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        text[size] = '\0';
    }
};

/// Whether some stage of `c` uses a key of the projections up to `last`.
inline bool counts(const config& c, projection last) noexcept {
    return std::any_of(c.stages().begin(), c.stages().end(), [last](const stage_config& s) { return s.qkv_projection <= last; });
}

inline void write_value(json_writer& json, int value) noexcept { json.integer(value); }
inline void write_value(json_writer& json, bool value) noexcept { json.boolean(value); }
inline void write_value(json_writer& json, double value) noexcept { json.real(value); }
inline void write_value(json_writer& json, projection value) noexcept { json.string(to_string(value)); }

/// Writes one value for each stage.
template <class T>
void write_stages(json_writer& json, const config& c, T stage_config::*member) noexcept {
    json.begin_list();
    for (const stage_config& s : c.stages()) write_value(json, s.*member);
    json.end_list();
}

/// The values of a key as text for messages: "[64, 192, 384]". Not by json_writer, since the shortest decimals of its real() take tables
/// of 110 KB, which a program that only loads models does without.
class stage_values {
public:
    template <class T>
    stage_values(const config& c, T stage_config::*member) noexcept {
        for (const stage_config& s : c.stages()) {
            list_.add("", "%s", list_.text[0] == '\0' ? "[" : ", ");
            add(s.*member);
        }
        list_.add("", "]");
    }
    [[nodiscard]] const char* text() const noexcept { return list_.text; }

private:
    void add(int value) noexcept { list_.add("", "%d", value); }
    void add(bool value) noexcept { list_.add("", "%s", value ? "true" : "false"); }
    void add(projection value) noexcept { list_.add("", "\"%s\"", to_string(value)); }
    void add(double value) noexcept { list_.add("", value == std::floor(value) ? "%.1f" : "%.9g", value); }

    detail::text_list<96> list_;
};

/// Whether another value of a key would change the result, but be noticed neither in the shapes of tensors nor by validate().
inline bool is_unseen(std::string_view key, const config& c) noexcept {
    for (const std::string_view unseen : {"num_heads", "patch_stride", "patch_padding", "padding_kv", "stride_kv"})
        if (detail::same_text(key, unseen)) return true;
    const bool averages =
        std::any_of(c.stages().begin(), c.stages().end(), [](const stage_config& s) { return s.qkv_projection == projection::avg; });
    return averages && detail::same_text(key, "kernel_qkv");
}

/// Whether one of the keys is such a key.
inline bool any_unseen(key_set keys, const config& c) noexcept {
    return keys_with(keys, [&](stage_key key) noexcept { return is_unseen(key.name, c); }) != 0;
}

/// Lists keys with their values in `c`: "num_heads [1, 3, 6], depth [1, 2, 10]".
inline detail::text_list<480> list_keys(key_set keys, const config& c) noexcept {
    detail::text_list<480> list;
    visit_keys(keys,
               [&](const char* key, auto member, projection) noexcept { list.add(", ", "%s %s", key, stage_values(c, member).text()); });
    return list;
}

}  // namespace checkpoint
CVT_NAMESPACE_END
