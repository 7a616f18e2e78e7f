// The names of the tensors of a CvT, in the official state dict and in transformers.
#pragma once

#include <cstring>
#include <string_view>

#include "../config.hpp"
#include "../text.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// The naming of a checkpoint: that of microsoft/CvT or of transformers' CvtForImageClassification.
enum class naming : std::uint8_t { official, hf };
constexpr const char* to_string(naming n) noexcept { return n == naming::official ? "official" : "transformers"; }

/// A name in a buffer of fixed capacity. Empty if its parts do not fit, which real names always do.
template <std::size_t Capacity>
class name_buffer {
public:
    [[nodiscard]] std::string_view view() const noexcept { return {text_, size_}; }
    [[nodiscard]] const char* c_str() const noexcept { return text_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    name_buffer& append(std::string_view part) noexcept {
        if (overflow_ || part.size() >= sizeof text_ - size_) {
            overflow_ = true;
            size_ = 0;
        } else {
            if (!part.empty()) std::memcpy(text_ + size_, part.data(), part.size());
            size_ += part.size();
        }
        text_[size_] = '\0';
        return *this;
    }

private:
    char text_[Capacity]{};
    std::size_t size_ = 0;
    bool overflow_ = false;
};

using tensor_name = name_buffer<192>;  ///< of a tensor
using file_name = name_buffer<448>;    ///< of a tensor with its prefix in a file

/// Two spellings of the same part of a name.
struct spelling {
    std::string_view official, hf;
    [[nodiscard]] constexpr std::string_view in(naming n) const noexcept { return n == naming::official ? official : hf; }
};

inline constexpr spelling outside_spellings[]{{"norm.", "layernorm."}, {"head.", "classifier."}};
inline constexpr spelling stage_spelling{"stage", "cvt.encoder.stages."};
inline constexpr spelling block_spelling{"blocks.", "layers."};
inline constexpr spelling embedding_spellings[]{
    {"patch_embed.proj.", "embedding.convolution_embeddings.projection."},
    {"patch_embed.norm.", "embedding.convolution_embeddings.normalization."},
    {"cls_token", "cls_token"},
};
inline constexpr spelling block_spellings[]{
    {"norm1.", "layernorm_before."},
    {"norm2.", "layernorm_after."},
    {"attn.conv_proj_q.conv.", "attention.attention.convolution_projection_query.convolution_projection.convolution."},
    {"attn.conv_proj_k.conv.", "attention.attention.convolution_projection_key.convolution_projection.convolution."},
    {"attn.conv_proj_v.conv.", "attention.attention.convolution_projection_value.convolution_projection.convolution."},
    {"attn.conv_proj_q.bn.", "attention.attention.convolution_projection_query.convolution_projection.normalization."},
    {"attn.conv_proj_k.bn.", "attention.attention.convolution_projection_key.convolution_projection.normalization."},
    {"attn.conv_proj_v.bn.", "attention.attention.convolution_projection_value.convolution_projection.normalization."},
    {"attn.proj_q.", "attention.attention.projection_query."},
    {"attn.proj_k.", "attention.attention.projection_key."},
    {"attn.proj_v.", "attention.attention.projection_value."},
    {"attn.proj.", "attention.output.dense."},
    {"mlp.fc1.", "intermediate.dense."},
    {"mlp.fc2.", "output.dense."},
};

/// Removes `part` from the front of `rest`; false if it is not there.
inline bool take_front(std::string_view& rest, std::string_view part) noexcept {
    if (!rest.starts_with(part)) return false;
    rest.remove_prefix(part.size());
    return true;
}

/// Takes digits and a full stop, such as "12.", from the front of `rest`; empty if they are not there.
inline std::string_view take_number(std::string_view& rest) noexcept {
    std::size_t digits = 0;
    while (digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9') ++digits;
    if (digits == 0 || digits == rest.size() || rest[digits] != '.') return {};
    const std::string_view number = detail::slice(rest, 0, digits + 1);
    rest.remove_prefix(digits + 1);
    return number;
}

template <std::size_t N>
bool respell_front(std::string_view& rest, const spelling (&spellings)[N], naming from, naming to, tensor_name& out) noexcept {
    for (const spelling& s : spellings) {
        if (!take_front(rest, s.in(from))) continue;
        out.append(s.in(to));
        return true;
    }
    return false;
}

/// Translates a tensor name from naming `from` to naming `to`; empty if it is not a CvT tensor.
inline tensor_name respell(std::string_view name, naming from, naming to) noexcept {
    tensor_name out;
    std::string_view rest = name;
    if (respell_front(rest, outside_spellings, from, to, out)) return out.append(rest);
    if (!take_front(rest, stage_spelling.in(from))) return {};
    out.append(stage_spelling.in(to));
    const std::string_view stage = take_number(rest);
    if (stage.empty()) return {};
    out.append(stage);
    if (take_front(rest, block_spelling.in(from))) {
        const std::string_view block = take_number(rest);
        if (block.empty()) return {};
        out.append(block_spelling.in(to)).append(block);
        if (!respell_front(rest, block_spellings, from, to, out)) return {};
    } else if (!respell_front(rest, embedding_spellings, from, to, out)) {
        return {};
    }
    return out.append(rest);
}

/// Whether `name` is that of a step counter of BatchNorm, which training checkpoints have and inference does not use.
inline bool is_step_counter(std::string_view name) noexcept { return name.ends_with("num_batches_tracked"); }

/// How the names of one set of weights follow from the official ones.
struct name_style {
    checkpoint::naming naming = checkpoint::naming::official;
    std::string_view prefix = {};  ///< of every name: "state_dict/module."
    bool bare = false;             ///< transformers' CvtModel: no "cvt." in front
    std::string_view head = {};    ///< replaces "head." where the head has another name: "state_dict/fc."

    /// The longest prefix that is recognised.
    static constexpr std::size_t max_prefix = 256;

    /// Returns the name in the file of the tensor with that official name.
    [[nodiscard]] file_name in_file(std::string_view official) const noexcept {
        file_name out;
        std::string_view rest = official;
        if (!head.empty() && take_front(rest, "head.")) return out.append(head).append(rest);
        const tensor_name name = respell(official, naming::official, naming);
        rest = name.view();
        if (bare) take_front(rest, "cvt.");
        return out.append(prefix).append(rest);
    }
    /// Returns the part of `prefix` that is the path of the dictionary in the file: "state_dict/", or nothing.
    [[nodiscard]] std::string_view dictionary() const noexcept { return detail::slice(prefix, 0, prefix.rfind('/') + 1); }
    /// Whether `name` lies inside a stage, also where a CvT has no such tensor.
    [[nodiscard]] bool in_stage(std::string_view name) const noexcept {
        std::string_view stages = stage_spelling.in(naming);
        if (bare) take_front(stages, "cvt.");
        if (!take_front(name, prefix) || !take_front(name, stages)) return false;
        return !take_number(name).empty();
    }
};

/// Whether `name` is that of the first tensor of a CvT, under any prefix. `out` is then the style of its set of names.
inline bool begins_cvt(std::string_view name, name_style& out) noexcept {
    for (const name_style style : {name_style{naming::official}, name_style{naming::hf}, name_style{naming::hf, {}, true}}) {
        const file_name first = style.in_file("stage0.patch_embed.proj.weight");
        if (!name.ends_with(first.view())) continue;
        const std::string_view prefix = detail::slice(name, 0, name.size() - first.view().size());
        if (prefix.size() > name_style::max_prefix || (!prefix.empty() && !prefix.ends_with('.') && !prefix.ends_with('/'))) continue;
        out = style;
        out.prefix = prefix;
        return true;
    }
    return false;
}

}  // namespace checkpoint
CVT_NAMESPACE_END
