// Text for people and files: arbitrary bytes escaped for JSON, CSV and terminals; letters and numbers converted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cvt/error.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace app {

/// A quoted JSON string. Every byte that is not part of valid UTF-8 becomes U+FFFD, so that the document stays valid.
std::string json_string(std::string_view bytes);
/// A CSV field, quoted where RFC 4180 requires it. The bytes do not change.
std::string csv_field(std::string_view bytes);
/// Control characters become \xNN, so that a file name cannot move the cursor or begin a line.
std::string terminal_text(std::string_view bytes);
/// The text, padded with blanks to `width` columns of a terminal. Each code point counts as one column.
std::string padded(std::string_view utf8, std::size_t width);

/// printf into a string; cut after 1023 bytes.
CVT_PRINTF(1, 2) std::string text(const char* pattern, ...);
/// 19,997,480
std::string with_commas(std::int64_t value);
/// Null if the text is not a whole number, digits alone, of 64 bits.
std::optional<std::uint64_t> whole_number(std::string_view text);
/// The lower case of an ASCII letter; any other byte as it is.
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

}  // namespace app
