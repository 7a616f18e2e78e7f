// From a path to a table of tensors: which files of a folder hold the weights, and which format each of them has.
#pragma once

#include <sys/stat.h>

#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "../../error.hpp"
#include "../../runtime/buffer.hpp"
#include "../json/json.hpp"
#include "safetensors.hpp"
#include "tensor_table.hpp"
#include "torch.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

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
class folder_path {
public:
    folder_path(const char* folder, std::string_view name) noexcept {
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
    if (!out.resize(static_cast<std::size_t>(file->size()))) return error::out_of_memory(path, file->size());
    if (error e = file->read(0, out.size(), out.data())) return error::format(e.code(), "%s: %s", path, e.what());
    return {};
}

/// Adds the tensors of one file of weights, whose format its first bytes tell; `container` gets its name.
inline error add_weights(byte_source&& file, tensor_file& out, const char*& container) noexcept {
    std::byte start[9]{};
    const std::uint64_t size = file.size();
    if (size < sizeof start)
        return error::format(errc::malformed, "%llu bytes are too short for a checkpoint", static_cast<unsigned long long>(size));
    if (error e = file.read(0, sizeof start, start)) return e;
    if (std::memcmp(start, "version h", sizeof start) == 0)
        return error::format(errc::malformed, "a pointer of git-lfs, not the weights: `git lfs pull` in its folder fetches them");
    // safetensors first: the length of its header may begin with the bytes of a pickle or a zip.
    container = torch_container(start);
    if (container != nullptr && !is_safetensors(start, size)) return read_torch(std::move(file), out);
    container = "safetensors";
    if (start[8] != std::byte{'{'})
        return error::format(errc::malformed, "neither safetensors nor a PyTorch checkpoint: begins with bytes %02X %02X %02X %02X",
                             static_cast<unsigned>(start[0]), static_cast<unsigned>(start[1]), static_cast<unsigned>(start[2]),
                             static_cast<unsigned>(start[3]));
    return read_safetensors(std::move(file), out);
}

inline error add_weights(const char* path, tensor_file& out, const char*& container) noexcept {
    result<byte_source> file = byte_source::open(path);
    if (!file) return file.error();
    if (error e = add_weights(std::move(*file), out, container)) return error::format(e.code(), "%s: %s", path, e.what());
    return {};
}

/// A shard lies in the folder of its index: no separators, no drive, not the folder above.
inline bool is_plain_file_name(std::string_view name) noexcept {
    return !name.empty() && name.size() < 256 && name != "." && name != ".." &&
           name.find_first_of(std::string_view{"/\\:\0", 4}) == std::string_view::npos;
}

/// Adds the tensors of all shards that `index` names, {"weight_map": {tensor: file}}, and checks that each tensor is there.
inline error add_shards(const char* folder, const folder_path& index, tensor_file& out, const char*& container) noexcept {
    detail::buffer<char> text;
    if (error e = read_text(index.c_str(), text)) return e;
    const result<json> document = json::parse(std::move(text));
    if (!document) return error::format(document.error().code(), "%s: %s", index.c_str(), document.error().what());
    const json_value map = document->root().find("weight_map");
    if (!map.is(json_kind::object) || map.size() == 0)
        return error::format(errc::malformed, "%s: weight_map: expected an object of tensor and file names", index.c_str());

    // Before each of them is compared with the shards known so far.
    if (map.size() > tensor_file::max_tensors)
        return error::format(errc::unsupported, "%s: weight_map: more than %zu tensors", index.c_str(), tensor_file::max_tensors);

    detail::buffer<std::string_view> done;
    for (json_value v = map.first(); v; v = v.next()) {
        const std::string_view name = v.is(json_kind::string) ? v.string() : std::string_view{};
        if (!is_plain_file_name(name))
            return error::format(errc::malformed, "%s: weight_map: %.*s: expected the name of a file in this folder, found \"%.*s\"",
                                 index.c_str(), safetensors::shown(v.key()), v.key().data(), safetensors::shown(name), name.data());
        bool known = false;
        for (const std::string_view d : done) known = known || d == name;
        if (known) continue;
        if (!done.push_back(name)) return error::out_of_memory("the list of shards", 2 * done.size() * sizeof(std::string_view));
        if (error e = add_weights(folder_path(folder, name).c_str(), out, container)) return e;
    }
    for (json_value v = map.first(); v; v = v.next())
        if (out.find(v.key()) < 0)
            return error::format(errc::mismatch, "%s: weight_map: %.*s: its shard %.*s has no such tensor", index.c_str(),
                                 safetensors::shown(v.key()), v.key().data(), safetensors::shown(v.string()), v.string().data());
    return {};
}

/// Adds the weights of a Hugging Face folder; safetensors come before PyTorch's files, whole files before shards.
inline error add_folder(const char* folder, tensor_file& out, const char*& container) noexcept {
    for (const char* whole : {"model.safetensors", "pytorch_model.bin"}) {
        if (const folder_path file(folder, whole); file.exists()) return add_weights(file.c_str(), out, container);
        char name[64];
        std::snprintf(name, sizeof name, "%s.index.json", whole);
        const folder_path index(folder, name);
        if (!index.exists()) continue;
        if (error e = add_shards(folder, index, out, container)) return e;
        container = whole[0] == 'm' ? "safetensors, sharded" : "torch, sharded";
        return {};
    }
    return error::format(
        errc::io, "%s: no weights in this folder: expected model.safetensors or pytorch_model.bin, or the index.json of one", folder);
}

}  // namespace checkpoint
CVT_NAMESPACE_END
