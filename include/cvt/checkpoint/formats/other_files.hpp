// Recognises files of other formats than were expected by their first bytes, for messages: web pages, git-lfs pointers, archives.
#pragma once

#include "../../text.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// A format, and what a message says of it in place of weights and in place of JSON; null where it does not occur.
struct other_format {
    std::string_view begin;
    const char *not_weights, *not_json;
};

inline constexpr char page_not_weights[] = "an HTML page, not the weights: the server sent a web page (a login or an error) instead",
                      page_not_json[] = "an HTML or XML page, as servers send instead of a file (a login or an error)",
                      yaml_not_weights[] = "a YAML configuration, not the weights: pass it with --config or load_options::config";

inline constexpr other_format other_formats[]{
    {"version h", "a git-lfs pointer, not the weights: run `git lfs pull` in its folder to fetch them",
     "a git-lfs pointer: run `git lfs pull` in its folder to fetch the file"},
    {"<?xml", "an XML document, not the weights: the server sent an error message instead", page_not_json},
    {"<", page_not_weights, page_not_json},
    {"\x1F\x8B", "a gzip file: unpack it with gunzip, or with tar -xzf where it is an archive", "a gzip file: unpack it with gunzip"},
    {"BZh", "a bzip2 file: unpack it with bunzip2", nullptr},
    {"\xFD"
     "7zXZ",
     "an xz file: unpack it with unxz", nullptr},
    {"\x28\xB5\x2F\xFD", "a Zstandard file: unpack it with unzstd", nullptr},
    {"GGUF", "a GGUF file: expected safetensors or a PyTorch checkpoint", "a GGUF file"},
    {"\x89HDF", "an HDF5 file (Keras, TensorFlow): expected safetensors or a PyTorch checkpoint (pytorch_model.bin)", "an HDF5 file"},
    {"\x93NUMPY", "a .npy array: expected safetensors or a PyTorch checkpoint", nullptr},
    {"PK\x03\x04", nullptr, "a zip archive, as PyTorch writes weights"},
    {"MODEL:", yaml_not_weights, nullptr},
    {"OUTPUT_DI", yaml_not_weights, nullptr},
};

/// Whether a file begins as an ONNX model of any version does: with the number of its version, then the name of the writer.
inline bool begins_onnx(std::string_view begin) noexcept {
    constexpr char newest = 31;  // 12 are in use
    return begin.size() >= 3 && begin[0] == '\x08' && begin[1] >= 3 && begin[1] <= newest && begin[2] == '\x12';
}

/// The text from its first character that is not white space on.
inline std::string_view without_space(std::string_view text) noexcept { return detail::slice(text, text.find_first_not_of(" \t\r\n")); }

/// Names a file without weights by its first 9 bytes, and says what to do. Null if the format is not known.
inline const char* describe_other_file(std::string_view begin) noexcept {
    const std::string_view text = without_space(begin);
    for (const other_format& f : other_formats)
        if (f.not_weights != nullptr && begin.starts_with(f.begin)) return f.not_weights;
    if (begins_onnx(begin))
        return "an ONNX model, by its first bytes: expected the safetensors or PyTorch checkpoint that it was exported from";
    if (text.starts_with('<')) return page_not_weights;
    if (text.starts_with('{') || text.starts_with('['))
        return "a JSON file, not the weights: pass the weights, or the folder that holds both";
    return nullptr;
}

/// Names the format of a text that begins like another kind of file than JSON; null if it is not known.
inline const char* kind_of_text(std::string_view text) noexcept {
    for (const other_format& f : other_formats)
        if (f.not_json != nullptr && without_space(text).starts_with(f.begin)) return f.not_json;
    return begins_onnx(text) ? "an ONNX model" : nullptr;
}

/// Returns the error for a text that is not JSON, with the format that it has instead.
inline error not_json(const char* file, std::string_view text, const error& why) noexcept {
    if (const char* const kind = kind_of_text(text)) return error::format(errc::malformed, "%s: expected JSON, found %s", file, kind);
    return error::format(why.code(), "%s: %s", file, why.what());
}

}  // namespace checkpoint
CVT_NAMESPACE_END
