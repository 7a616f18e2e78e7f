// The keys of a config.json with one value for each stage: their names, Microsoft's spelling, their values as text, and which are missing.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "../config.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

// The keys with one value for each stage, in the order in which transformers writes them: visit(key, member, whether the key has a
// default for any number of stages, the last projection that uses the key).

template <class Visit>
void visit_patch_keys(Visit&& visit) noexcept {
    visit("patch_sizes", &stage_config::patch_size, false, projection::linear);
    visit("patch_stride", &stage_config::patch_stride, false, projection::linear);
    visit("patch_padding", &stage_config::patch_padding, false, projection::linear);
}

template <class Visit>
void visit_width_keys(Visit&& visit) noexcept {
    visit("embed_dim", &stage_config::embed_dim, false, projection::linear);
    visit("num_heads", &stage_config::num_heads, false, projection::linear);
    visit("depth", &stage_config::depth, false, projection::linear);
    visit("mlp_ratio", &stage_config::mlp_ratio, true, projection::linear);
}

template <class Visit>
void visit_attention_keys(Visit&& visit) noexcept {
    visit("qkv_bias", &stage_config::qkv_bias, true, projection::linear);
    visit("cls_token", &stage_config::cls_token, false, projection::linear);
    visit("qkv_projection_method", &stage_config::qkv_projection, true, projection::linear);
    visit("kernel_qkv", &stage_config::kernel_qkv, true, projection::avg);
    visit("padding_kv", &stage_config::padding_kv, true, projection::avg);
    visit("stride_kv", &stage_config::stride_kv, true, projection::avg);
    visit("padding_q", &stage_config::padding_q, true, projection::dw_bn);
    visit("stride_q", &stage_config::stride_q, true, projection::dw_bn);
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
            add(size_ == 0 ? "[" : ", ");
            add(s.*member);
        }
        add("]");
    }
    [[nodiscard]] const char* text() const noexcept { return text_; }

private:
    void add(const char* text) noexcept { print("%s", text); }
    void add(int value) noexcept { print("%d", value); }
    void add(bool value) noexcept { add(value ? "true" : "false"); }
    void add(projection value) noexcept { print("\"%s\"", to_string(value)); }
    void add(double value) noexcept { print(value == std::floor(value) ? "%.1f" : "%.9g", value); }

    template <class T>
    void print(const char* format, T value) noexcept {
        const int size = std::snprintf(text_ + size_, sizeof text_ - size_, format, value);
        size_ = std::min(size_ + static_cast<std::size_t>(size), sizeof text_ - 1);
    }
    char text_[96];
    std::size_t size_ = 0;
};

/// Whether another value of a key would change the result, but be noticed neither in the shapes of tensors nor by validate().
inline bool is_unseen(std::string_view key, const config& c) noexcept {
    for (const std::string_view unseen : {"num_heads", "patch_stride", "patch_padding", "padding_kv", "stride_kv"})
        if (detail::same_text(key, unseen)) return true;
    const bool averages =
        std::any_of(c.stages().begin(), c.stages().end(), [](const stage_config& s) { return s.qkv_projection == projection::avg; });
    return averages && detail::same_text(key, "kernel_qkv");
}

/// Lists the keys that the file lacks, with their defaults; with `only`, those that occur in that text. Returns whether one is unseen.
template <std::size_t Size>
bool list_assumed(const json_fields& fields, const config& c, char (&text)[Size], const char* only = nullptr) noexcept {
    bool unseen = false;
    const auto list = [&](const char* key, auto member, bool, projection last) noexcept {
        if (fields.get(key) || !counts(c, last) || (only != nullptr && std::strstr(only, key) == nullptr)) return;
        const std::size_t at = std::strlen(text);
        std::snprintf(text + at, Size - at, "%s%s %s", at == 0 ? "" : ", ", key, stage_values(c, member).text());
        unseen = unseen || is_unseen(key, c);
    };
    visit_width_keys(list);
    visit_patch_keys(list);
    visit_attention_keys(list);
    return unseen;
}

/// Whether a key is in a list that list_assumed() made.
inline bool is_assumed(const char* list, const char* key) noexcept {
    const char* const at = std::strstr(list, key);
    return at != nullptr && at[std::strlen(key)] == ' ';
}

}  // namespace checkpoint
CVT_NAMESPACE_END
