// Arbitrary bytes (paths, labels) as JSON strings, CSV fields and terminal text.
#pragma once

#include <string>
#include <string_view>

namespace app {

/// Quoted and escaped; every byte that is not part of valid UTF-8 becomes U+FFFD, so that the document stays valid.
std::string json_string(std::string_view bytes);
/// Quoted where RFC 4180 asks for it; the bytes stay as they are.
std::string csv_field(std::string_view bytes);
/// Control characters as \xNN: a file's name cannot move the cursor or begin a line.
std::string terminal_text(std::string_view bytes);

}  // namespace app
