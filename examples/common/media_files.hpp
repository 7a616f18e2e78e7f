// Which files count as pictures, sounds or archives by name, and which ones file managers and systems leave behind.
#pragma once

#include <string>
#include <string_view>

namespace app {

/// What a model takes.
enum class media : unsigned char { pictures, sounds };

/// Whether the file name ends in an extension of a format that cvt decodes, or would decode if built with the format's library. Names
/// decide which files of folders and archives are inputs; the content is checked when a file is read.
bool has_name_of(media m, const std::string& path);
/// ".jpg, .png, .webp or other pictures", for messages.
const char* examples_of(media m);
/// Whether the file name ends in .tar.
bool has_archive_name(const std::string& path);
/// The extension in lower case, with its dot; empty if there is none.
std::string extension_of(const std::string& path);

/// Whether an entry of a folder is litter: a name that begins with a dot (.DS_Store, AppleDouble's ._photo.jpg), __MACOSX, @eaDir or
/// Thumbs.db, in any case.
bool is_litter(std::string_view name);
/// Whether an archive member is litter, by its own name or by a folder named __MACOSX or @eaDir. Other folders may begin with a
/// dot: ~/.cache/photos was packed on purpose.
bool is_litter_member(std::string_view path);

}  // namespace app
