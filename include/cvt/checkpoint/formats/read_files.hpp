// Reads a checkpoint from a single file or a Hugging Face folder: the table of tensors and the JSON files beside it.
#pragma once

#include "../json/json.hpp"
#include "folder_listing.hpp"
#include "other_files.hpp"
#include "safetensors.hpp"
#include "torch.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// The contents of a checkpoint's files, not yet interpreted.
struct checkpoint_files {
    tensor_table tensors;
    metadata_entry metadata;                              ///< the entry that the caller asked for
    const char* container = "";                           ///< "safetensors", "torch zip", "torch, sharded" ...
    detail::buffer<char> config_json, preprocessor_json;  ///< of the folder; empty if missing
    bool lone = false;                                    ///< the path was that of a file; the JSON texts are from its folder
};

enum class weight_format : std::uint8_t { unknown, safetensors, torch_zip, torch_legacy };

constexpr const char* to_string(weight_format f) noexcept {
    constexpr const char* names[]{"unknown", "safetensors", "torch zip", "legacy torch"};
    return names[static_cast<int>(f)];
}

/// Detects the format of a file of `size` bytes from its first 9 bytes, `head`. Tests safetensors first: the length of its
/// header may begin with the bytes of a pickle or a zip.
inline weight_format detect_format(std::span<const std::byte> head, std::uint64_t size) noexcept {
    const bool brace = head.size() >= 9 && head[8] == std::byte{'{'};
    const std::uint64_t header = brace ? load<std::uint64_t>(head.data()) : 0;
    if (header >= 2 && header <= max_safetensors_header && size >= 8 && header <= size - 8) return weight_format::safetensors;
    if (head.size() >= 4 && std::memcmp(head.data(), "PK\x03\x04", 4) == 0) return weight_format::torch_zip;
    if (!head.empty() && head[0] == std::byte{0x80}) return weight_format::torch_legacy;
    return brace ? weight_format::safetensors : weight_format::unknown;  // an impossible header length: the reader reports it
}

/// Reads a whole file. Errors: io, out_of_memory, unsupported (larger than 64 MiB).
inline error read_text(const char* path, detail::buffer<char>& out) noexcept {
    const result<byte_source> file = byte_source::open(path);
    if (!file) return file.error();
    if (file->size() > (64U << 20)) return error::format(errc::unsupported, "%s: larger than 64 MiB", path);
    if (!out.resize(file->size())) return error::out_of_memory(path, file->size());
    if (error e = file->read(0, out.size(), out.data())) return error::format(e.code(), "%s: %s", path, e.what());
    return {};
}

/// Adds the tensors of one weight file. Errors: those of its reader; malformed (unknown format).
inline error read_weights(byte_source&& file, checkpoint_files& out) noexcept {
    std::byte head[9]{};
    if (file.size() < sizeof head)
        return error::format(errc::malformed, "%llu bytes are too few for a checkpoint", static_cast<unsigned long long>(file.size()));
    if (error e = file.read(0, sizeof head, head)) return e;
    const weight_format format = detect_format(head, file.size());
    out.container = to_string(format);
    switch (format) {
        case weight_format::safetensors: return read_safetensors(std::move(file), out.tensors, &out.metadata);
        case weight_format::torch_zip: return read_torch_zip(std::move(file), out.tensors);
        case weight_format::torch_legacy: return read_torch_legacy(std::move(file), out.tensors);
        case weight_format::unknown: break;
    }
    const std::string_view text{reinterpret_cast<const char*>(head), sizeof head};
    if (const char* const other = describe_other_file(text)) return error::format(errc::malformed, "%s", other);
    if (std::all_of(text.begin(), text.end(), [](char c) { return (c >= ' ' && c <= '~') || c == '\t' || c == '\r' || c == '\n'; }))
        return error::format(errc::malformed, "neither safetensors nor a PyTorch checkpoint: a text that begins with \"%s\"",
                             printable{text}.text);
    return error::format(errc::malformed, "neither safetensors nor a PyTorch checkpoint: begins with bytes %02X %02X %02X %02X",
                         unsigned(head[0]), unsigned(head[1]), unsigned(head[2]), unsigned(head[3]));
}

inline error read_weights(const char* path, checkpoint_files& out) noexcept {
    result<byte_source> file = byte_source::open(path);
    if (!file) return file.error();
    if (error e = read_weights(std::move(*file), out)) return error::format(e.code(), "%s: %s", path, e.what());
    return {};
}

/// Whether the name has no separator and no drive, and is not the parent folder: a shard must lie in the folder of its index.
inline bool is_plain_file_name(std::string_view name) noexcept {
    return !name.empty() && name.size() < 256 && !detail::same_text(name, ".") && !detail::same_text(name, "..") &&
           name.find_first_of(std::string_view{"/\\:\0", 4}) == std::string_view::npos;
}

/// Adds the tensors of all shards in `index`, {"weight_map": {tensor: file}}, and checks that each listed tensor exists.
inline error read_shards(const char* folder, const char* index, checkpoint_files& out) noexcept {
    detail::buffer<char> text;
    if (error e = read_text(index, text)) return e;
    const result<json> document = json::parse(std::move(text));
    if (!document) return error::format(document.error().code(), "%s: %s", index, document.error().what());
    const json_value map = document->root().find("weight_map");
    if (!map.is(json_kind::object) || map.size() == 0)
        return error::format(errc::malformed, "%s: weight_map: expected an object that maps tensor names to file names", index);

    // Checked before the loop, which compares each entry with the shards so far.
    if (map.size() > tensor_table::max_tensors)
        return error::format(errc::unsupported, "%s: weight_map: more than %zu tensors", index, tensor_table::max_tensors);

    detail::buffer<std::string_view> done;
    for (json_value v = map.first(); v; v = v.next()) {
        const std::string_view name = v.is(json_kind::string) ? v.string() : std::string_view{};
        if (!is_plain_file_name(name))
            return error::format(errc::malformed, "%s: weight_map: %s: expected the name of a file in this folder, found \"%s\"", index,
                                 printable{v.key()}.text, printable{name}.text);
        if (std::any_of(done.begin(), done.end(), [name](std::string_view d) { return detail::same_text(d, name); })) continue;
        if (!done.push_back(name)) return error::out_of_memory("the list of shards", 2 * done.size() * sizeof(std::string_view));
        if (error e = read_weights(file_path(folder, name).c_str(), out)) return e;
    }
    for (json_value v = map.first(); v; v = v.next())
        if (out.tensors.find(v.key()) < 0)
            return error::format(errc::mismatch, "%s: weight_map: %s: the shard %s does not contain this tensor", index,
                                 printable{v.key()}.text, printable{v.string()}.text);
    return {};
}

/// Reads the only weight file in a folder, whatever its name. Errors (io): there is none, or more than one.
inline error read_other_weights(const char* folder, checkpoint_files& out) noexcept {
    const folder_listing found(folder);
    if (found.error_number != 0)
        return error::format(errc::io, "%s: cannot list the folder: %s", folder, std::strerror(found.error_number));
    if (found.weights == 1) return read_weights(file_path(folder, found.weight_names.text).c_str(), out);
    if (found.weights > 1)
        return error::format(errc::io, "%s: %d weight files in this folder: name one of them: %s", folder, found.weights,
                             printable{found.weight_names.text}.text);
    const std::string_view inner = found.folder_name;
    const file_path nested(folder, inner);
    if (detail::same_text(inner, "snapshots")) {
        const folder_listing snapshots(nested.c_str());
        if (snapshots.folders > 0)
            return error::format(errc::io, "%s: this is a cache folder of the Hub; its weights are in %s/%s", folder, nested.c_str(),
                                 printable{snapshots.folder_name}.text);
    }
    if (inner.starts_with("checkpoint-"))
        return error::format(errc::io, "%s: no weights in this folder, but checkpoints in its subfolders, such as %s", folder,
                             nested.c_str());
    return error::format(errc::io, "%s: no weights in this folder: expected model.safetensors or pytorch_model.bin, or their index.json",
                         folder);
}

/// Whether a path may be the name of a model on the Hub: "microsoft/cvt-13".
inline bool is_hub_name(std::string_view path) noexcept {
    const std::size_t slash = path.find('/');
    return slash != 0 && slash != std::string_view::npos && slash + 1 < path.size() &&
           path.find_first_of("/\\.: ", slash + 1) == std::string_view::npos && !path.starts_with('.');
}

inline error read_folder_weights(const char* folder, checkpoint_files& out) noexcept {
    struct kind {
        const char *whole, *index, *sharded;
    };
    for (const kind& k : {kind{"model.safetensors", "model.safetensors.index.json", "safetensors, sharded"},
                          kind{"pytorch_model.bin", "pytorch_model.bin.index.json", "torch, sharded"}}) {
        if (const file_path whole(folder, k.whole); whole.exists()) return read_weights(whole.c_str(), out);
        const file_path index(folder, k.index);
        if (!index.exists()) continue;
        error e = read_shards(folder, index.c_str(), out);
        out.container = k.sharded;
        return e;
    }
    return read_other_weights(folder, out);
}

/// Reads the JSON files of a folder: preprocessor_config.json, and config.json if `with_config`.
inline error read_folder_texts(const char* folder, bool with_config, checkpoint_files& out) noexcept {
    if (const file_path file(folder, "config.json"); with_config && file.exists())
        if (error e = read_text(file.c_str(), out.config_json)) return e;
    if (const file_path file(folder, "preprocessor_config.json"); file.exists())
        if (error e = read_text(file.c_str(), out.preprocessor_json)) return e;
    return {};
}

/// Reads a Hugging Face folder (prefers safetensors to PyTorch, whole files to shards) or a single file, and the JSON files of the
/// folder. Skips the config.json beside a single file if `has_config`. Errors begin with the path of the file.
inline error read_files(const char* path, bool has_config, checkpoint_files& out) noexcept {
    if (kind_of(path) == path_kind::folder) {
        if (error e = read_folder_weights(path, out)) return e;
        return read_folder_texts(path, true, out);
    }
    if (kind_of(path) == path_kind::missing && is_hub_name(path))
        return error::format(errc::io,
                             "%s: no such file or folder; to fetch the Hub's model of that name, run `git clone "
                             "https://huggingface.co/%s` (with git-lfs)",
                             path, path);
    out.lone = true;
    if (error e = read_weights(path, out)) return e;
    const std::size_t size = std::string_view{path}.find_last_of(path_separators) + 1;
    char folder[4096];
    if (size >= sizeof folder) return {};
    std::snprintf(folder, sizeof folder, "%.*s", static_cast<int>(size), path);
    return read_folder_texts(size == 0 ? "." : folder, !has_config, out);
}

}  // namespace checkpoint
CVT_NAMESPACE_END
