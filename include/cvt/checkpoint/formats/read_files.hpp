// Reads the files of a checkpoint, a lone file or a Hugging Face folder: the table of its tensors and the texts beside them.
#pragma once

#include <sys/stat.h>

#include "safetensors.hpp"
#include "torch.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// What the files of a checkpoint hold, nothing of it interpreted.
struct checkpoint_files {
    tensor_table tensors;
    metadata_entry metadata;                              ///< the entry that the caller asked for
    const char* container = "";                           ///< "safetensors", "torch zip", "torch, sharded" ...
    detail::buffer<char> config_json, preprocessor_json;  ///< of a folder; empty where it has none
};

enum class weight_format : std::uint8_t { unknown, safetensors, torch_zip, torch_legacy };

constexpr const char* to_string(weight_format f) noexcept {
    constexpr const char* names[]{"unknown", "safetensors", "torch zip", "legacy torch"};
    return names[static_cast<int>(f)];
}

/// The format of a file of `size` bytes that begins with `head`, of which 9 bytes are looked at. safetensors comes first: the
/// length of its header may begin with the bytes of a pickle or a zip.
inline weight_format detect_format(std::span<const std::byte> head, std::size_t size) noexcept {
    const bool brace = head.size() >= 9 && head[8] == std::byte{'{'};
    const std::size_t header = brace ? load<std::uint64_t>(head.data()) : 0;
    if (header >= 2 && header <= max_safetensors_header && size >= 8 && header <= size - 8) return weight_format::safetensors;
    if (head.size() >= 4 && std::memcmp(head.data(), "PK\x03\x04", 4) == 0) return weight_format::torch_zip;
    if (!head.empty() && head[0] == std::byte{0x80}) return weight_format::torch_legacy;
    return brace ? weight_format::safetensors : weight_format::unknown;  // a header whose length cannot be: its reader says so
}

enum class path_kind : std::uint8_t { missing, file, folder };

inline path_kind kind_of(const char* path) noexcept {
#if defined(_WIN32)
    // There a folder's name that ends in a separator is not found, unless it is a drive's.
    std::size_t size = std::strlen(path);
    while (size > 1 && (path[size - 1] == '/' || path[size - 1] == '\\') && path[size - 2] != ':') --size;
    char name[4096];
    if (size >= sizeof name) return path_kind::missing;
    std::memcpy(name, path, size);
    name[size] = '\0';
    struct _stat64 status;
    if (_stat64(name, &status) != 0) return path_kind::missing;
    return (status.st_mode & _S_IFDIR) != 0 ? path_kind::folder : path_kind::file;
#else
    struct stat status;
    if (::stat(path, &status) != 0) return path_kind::missing;
    return S_ISDIR(status.st_mode) ? path_kind::folder : path_kind::file;
#endif
}

/// "folder/name" in a buffer of its own.
class file_path {
public:
    file_path(const char* folder, std::string_view name) noexcept {
        const int length = std::snprintf(text_, sizeof text_, "%s/%.*s", folder, static_cast<int>(name.size()), name.data());
        fits_ = length > 0 && length < static_cast<int>(sizeof text_);
    }
    [[nodiscard]] const char* c_str() const noexcept { return text_; }
    [[nodiscard]] bool exists() const noexcept { return fits_ && kind_of(text_) == path_kind::file; }

private:
    char text_[4096];
    bool fits_;
};

/// The whole of a small file. Errors: io, unsupported (larger than 64 MiB).
inline error read_text(const char* path, detail::buffer<char>& out) noexcept {
    const result<byte_source> file = byte_source::open(path);
    if (!file) return file.error();
    if (file->size() > (64U << 20)) return error::format(errc::unsupported, "%s: larger than 64 MiB", path);
    if (!out.resize(file->size())) return error::out_of_memory(path, file->size());
    if (error e = file->read(0, out.size(), out.data())) return error::format(e.code(), "%s: %s", path, e.what());
    return {};
}

/// Adds the tensors of one file of weights. Errors: those of its reader; malformed (of no known format).
inline error read_weights(byte_source&& file, checkpoint_files& out) noexcept {
    std::byte head[9]{};
    if (file.size() < sizeof head) return error::format(errc::malformed, "%zu bytes are too short for a checkpoint", file.size());
    if (error e = file.read(0, sizeof head, head)) return e;
    if (std::memcmp(head, "version h", sizeof head) == 0)
        return error::format(errc::malformed, "a pointer of git-lfs, not the weights: `git lfs pull` in its folder fetches them");
    const weight_format format = detect_format(head, file.size());
    out.container = to_string(format);
    switch (format) {
        case weight_format::safetensors: return read_safetensors(std::move(file), out.tensors, &out.metadata);
        case weight_format::torch_zip: return read_torch_zip(std::move(file), out.tensors);
        case weight_format::torch_legacy: return read_torch_legacy(std::move(file), out.tensors);
        case weight_format::unknown: break;
    }
    return error::format(errc::malformed, "neither safetensors nor a PyTorch checkpoint: begins with bytes %02X %02X %02X %02X",
                         unsigned(head[0]), unsigned(head[1]), unsigned(head[2]), unsigned(head[3]));
}

inline error read_weights(const char* path, checkpoint_files& out) noexcept {
    result<byte_source> file = byte_source::open(path);
    if (!file) return file.error();
    if (error e = read_weights(std::move(*file), out)) return error::format(e.code(), "%s: %s", path, e.what());
    return {};
}

/// A shard lies in the folder of its index: no separators, no drive, not the folder above.
inline bool is_plain_file_name(std::string_view name) noexcept {
    return !name.empty() && name.size() < 256 && name != "." && name != ".." &&
           name.find_first_of(std::string_view{"/\\:\0", 4}) == std::string_view::npos;
}

/// Adds the tensors of all shards that `index` names, {"weight_map": {tensor: file}}, and checks that each tensor is there.
inline error read_shards(const char* folder, const char* index, checkpoint_files& out) noexcept {
    detail::buffer<char> text;
    if (error e = read_text(index, text)) return e;
    const result<json> document = json::parse(std::move(text));
    if (!document) return error::format(document.error().code(), "%s: %s", index, document.error().what());
    const json_value map = document->root().find("weight_map");
    if (!map.is(json_kind::object) || map.size() == 0)
        return error::format(errc::malformed, "%s: weight_map: expected an object of tensor and file names", index);

    // Before each of them is compared with the shards known so far.
    if (map.size() > tensor_table::max_tensors)
        return error::format(errc::unsupported, "%s: weight_map: more than %zu tensors", index, tensor_table::max_tensors);

    detail::buffer<std::string_view> done;
    for (json_value v = map.first(); v; v = v.next()) {
        const std::string_view name = v.is(json_kind::string) ? v.string() : std::string_view{};
        if (!is_plain_file_name(name))
            return error::format(errc::malformed, "%s: weight_map: %s: expected the name of a file in this folder, found \"%s\"", index,
                                 printable{v.key()}.text, printable{name}.text);
        if (std::any_of(done.begin(), done.end(), [name](std::string_view d) { return d == name; })) continue;
        if (!done.push_back(name)) return error::out_of_memory("the list of shards", 2 * done.size() * sizeof(std::string_view));
        if (error e = read_weights(file_path(folder, name).c_str(), out)) return e;
    }
    for (json_value v = map.first(); v; v = v.next())
        if (out.tensors.find(v.key()) < 0)
            return error::format(errc::mismatch, "%s: weight_map: %s: its shard %s has no such tensor", index, printable{v.key()}.text,
                                 printable{v.string()}.text);
    return {};
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
    return error::format(
        errc::io, "%s: no weights in this folder: expected model.safetensors or pytorch_model.bin, or the index.json of one", folder);
}

/// Reads a Hugging Face folder: safetensors before PyTorch's files, whole files before shards, and the JSON texts beside them.
inline error read_folder(const char* folder, checkpoint_files& out) noexcept {
    if (error e = read_folder_weights(folder, out)) return e;
    if (const file_path file(folder, "config.json"); file.exists())
        if (error e = read_text(file.c_str(), out.config_json)) return e;
    if (const file_path file(folder, "preprocessor_config.json"); file.exists())
        if (error e = read_text(file.c_str(), out.preprocessor_json)) return e;
    return {};
}

/// Reads a folder or a lone file of weights, beside which nothing counts. Errors begin with the path of the file.
inline error read_files(const char* path, checkpoint_files& out) noexcept {
    return kind_of(path) == path_kind::folder ? read_folder(path, out) : read_weights(path, out);
}

}  // namespace checkpoint
CVT_NAMESPACE_END
