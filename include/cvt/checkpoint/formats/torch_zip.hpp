// Finds the entries of a zip file that stores them uncompressed, as torch.save writes it; zip64 included.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../../error.hpp"
#include "../../runtime/buffer.hpp"
#include "../../text.hpp"
#include "pickle_values.hpp"
#include "tensor_table.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// The central directory of a zip file (PKWARE APPNOTE 6.3). Only its sizes count: torch leaves those of the local headers
/// zero and writes data descriptors.
class zip_directory {
public:
    static constexpr std::uint64_t max_entries = 1U << 18;
    static constexpr std::uint64_t max_bytes = 64U << 20;  ///< of the directory
    static constexpr std::size_t max_name = 1024;

    struct entry {
        std::uint32_t name_at = 0;
        std::uint16_t name_size = 0, method = 0, flags = 0;
        std::uint64_t header = 0, packed_size = 0, size = 0;
    };

    /// Errors: io; out_of_memory; malformed (no directory, one that does not fit the file, two entries of one name);
    /// unsupported (several disks, a limit exceeded).
    error open(const byte_source& source) noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] const entry& operator[](std::size_t i) const noexcept { return entries_[i]; }
    [[nodiscard]] std::string_view name(std::size_t i) const noexcept { return name_of(entries_[i]); }
    /// Number of the entry called `name`, or -1.
    [[nodiscard]] std::ptrdiff_t find(std::string_view name) const noexcept;
    /// Where the bytes of entry `i` begin; all of them lie in the file. Errors: io; malformed; unsupported (compressed,
    /// encrypted).
    error locate(const byte_source& source, std::size_t i, std::uint64_t& begin) const noexcept;

private:
    [[nodiscard]] std::string_view name_of(const entry& e) const noexcept {
        return {reinterpret_cast<const char*>(bytes_.data()) + e.name_at, e.name_size};
    }
    static error find_directory(const byte_source& source, std::uint64_t& at, std::uint64_t& size, std::uint64_t& count) noexcept;
    error parse(std::uint64_t count) noexcept;
    static bool read_zip64(const std::byte* extra, std::size_t size, entry& e, std::uint32_t& disk) noexcept;

    detail::buffer<std::byte> bytes_;  // the directory; names point into it
    detail::buffer<entry> entries_;    // sorted by name
};

constexpr std::uint32_t zip_local = 0x04034b50, zip_central = 0x02014b50, zip_end = 0x06054b50;
constexpr std::uint32_t zip64_end = 0x06064b50, zip64_locator = 0x07064b50;
constexpr std::size_t zip_local_size = 30, zip_central_size = 46, zip_end_size = 22, zip64_end_size = 56, zip64_locator_size = 20;

inline error zip_directory::find_directory(const byte_source& source, std::uint64_t& at, std::uint64_t& size,
                                           std::uint64_t& count) noexcept {
    const auto bad = [](const char* what) noexcept { return error::format(errc::malformed, "zip: %s", what); };
    const std::uint64_t file_size = source.size();
    const auto tail_size = static_cast<std::size_t>(file_size < zip_end_size + 0xFFFF ? file_size : zip_end_size + 0xFFFF);
    if (tail_size < zip_end_size) return bad("the file is cut short");
    detail::buffer<std::byte> tail;
    if (!tail.resize(tail_size)) return error::out_of_memory("the end of the zip file", tail_size);
    if (error e = source.read(file_size - tail_size, tail_size, tail.data())) return e;
    // A comment of up to 64 KiB may follow the record, and must then reach the end of the file exactly.
    std::size_t found = tail_size - zip_end_size;
    while (load<std::uint32_t>(&tail[found]) != zip_end || found + zip_end_size + load<std::uint16_t>(&tail[found + 20]) != tail_size)
        if (found-- == 0) return bad("its directory is missing (an incomplete download?)");

    std::uint64_t end = file_size - tail_size + found;
    const std::byte* const record = &tail[found];
    std::uint64_t disks = load<std::uint16_t>(record + 4) | std::uint64_t{load<std::uint16_t>(record + 6)};
    count = load<std::uint16_t>(record + 10);
    size = load<std::uint32_t>(record + 12);
    at = load<std::uint32_t>(record + 16);
    std::byte locator[zip64_locator_size];
    if (end >= sizeof locator) {
        if (error e = source.read(end - sizeof locator, sizeof locator, locator)) return e;
        if (load<std::uint32_t>(locator) == zip64_locator) {
            const auto end64 = load<std::uint64_t>(locator + 8);
            std::byte large[zip64_end_size];
            if (end64 > end - sizeof locator || end - sizeof locator - end64 < sizeof large)
                return bad("its zip64 record is outside the file");
            if (error e = source.read(end64, sizeof large, large)) return e;
            if (load<std::uint32_t>(large) != zip64_end) return bad("its zip64 record is missing");
            disks = load<std::uint32_t>(large + 16) | std::uint64_t{load<std::uint32_t>(large + 20)};
            count = load<std::uint64_t>(large + 32);
            size = load<std::uint64_t>(large + 40);
            at = load<std::uint64_t>(large + 48);
            end = end64;
        }
    }
    if (disks != 0) return error::format(errc::unsupported, "zip: spread over several disks");
    if (at > end || size > end - at) return bad("its directory is outside the file");
    return {};
}

inline error zip_directory::open(const byte_source& source) noexcept {
    std::uint64_t at = 0, size = 0, count = 0;
    if (error e = find_directory(source, at, size, count)) return e;
    if (count > max_entries || size > max_bytes)
        return error::format(errc::unsupported, "zip: %llu entries, %llu bytes of directory: more than a checkpoint needs",
                             static_cast<unsigned long long>(count), static_cast<unsigned long long>(size));
    if (count > size / zip_central_size) return error::format(errc::malformed, "zip: more entries than its directory can hold");
    if (!bytes_.resize(static_cast<std::size_t>(size)) || !entries_.resize(static_cast<std::size_t>(count)))
        return error::out_of_memory("the zip directory", size + count * sizeof(entry));
    if (error e = source.read(at, static_cast<std::size_t>(size), bytes_.data())) return e;
    if (error e = parse(count)) return e;
    std::sort(entries_.begin(), entries_.end(), [this](const entry& a, const entry& b) { return name_of(a) < name_of(b); });
    for (std::size_t i = 1; i < entries_.size(); ++i)
        if (name(i) == name(i - 1))
            return error::format(errc::malformed, "zip: two entries are called %s", detail::printable{name(i)}.text);
    return {};
}

inline error zip_directory::parse(std::uint64_t count) noexcept {
    std::size_t at = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        if (bytes_.size() - at < zip_central_size || load<std::uint32_t>(&bytes_[at]) != zip_central)
            return error::format(errc::malformed, "zip: entry %llu of its directory is damaged", static_cast<unsigned long long>(i));
        const std::byte* const record = &bytes_[at];
        entry e{static_cast<std::uint32_t>(at + zip_central_size),
                load<std::uint16_t>(record + 28),
                load<std::uint16_t>(record + 10),
                load<std::uint16_t>(record + 8),
                load<std::uint32_t>(record + 42),
                load<std::uint32_t>(record + 20),
                load<std::uint32_t>(record + 24)};
        const std::size_t extra_size = load<std::uint16_t>(record + 30), comment_size = load<std::uint16_t>(record + 32);
        std::uint32_t disk = load<std::uint16_t>(record + 34);
        const std::size_t whole = zip_central_size + e.name_size + extra_size + comment_size;
        if (whole > bytes_.size() - at || !read_zip64(record + zip_central_size + e.name_size, extra_size, e, disk))
            return error::format(errc::malformed, "zip: entry %llu of its directory is damaged", static_cast<unsigned long long>(i));
        if (e.name_size > max_name) return error::format(errc::unsupported, "zip: a name longer than %zu bytes", max_name);
        if (disk != 0) return error::format(errc::unsupported, "zip: spread over several disks");
        entries_[static_cast<std::size_t>(i)] = e;
        at += whole;
    }
    if (at != bytes_.size()) return error::format(errc::malformed, "zip: its directory is longer than its entries");
    return {};
}

/// Takes from the zip64 field what the 32-bit fields could not say. False when it is needed and not there.
inline bool zip_directory::read_zip64(const std::byte* extra, std::size_t size, entry& e, std::uint32_t& disk) noexcept {
    constexpr std::uint64_t in_extra = 0xFFFFFFFF;
    const std::byte* field = nullptr;
    std::size_t left = 0;
    for (std::size_t at = 0; at < size && field == nullptr;) {
        if (size - at < 4) return false;
        const std::size_t length = load<std::uint16_t>(extra + at + 2);
        if (length > size - at - 4) return false;
        if (load<std::uint16_t>(extra + at) == 1) {
            field = extra + at + 4;
            left = length;
        }
        at += 4 + length;
    }
    for (std::uint64_t* value : {&e.size, &e.packed_size, &e.header}) {
        if (*value != in_extra) continue;
        if (left < 8) return false;
        *value = load<std::uint64_t>(field);
        field += 8;
        left -= 8;
    }
    if (disk == 0xFFFF) {
        if (left < 4) return false;
        disk = load<std::uint32_t>(field);
    }
    return true;
}

inline std::ptrdiff_t zip_directory::find(std::string_view wanted) const noexcept {
    const entry* const place = std::lower_bound(entries_.begin(), entries_.end(), wanted,
                                                [this](const entry& e, std::string_view name) { return name_of(e) < name; });
    return place != entries_.end() && name_of(*place) == wanted ? place - entries_.begin() : -1;
}

inline error zip_directory::locate(const byte_source& source, std::size_t i, std::uint64_t& begin) const noexcept {
    const entry& e = entries_[i];
    const detail::printable shown{name(i)};
    if ((e.flags & 1) != 0) return error::format(errc::unsupported, "zip: %s is encrypted", shown.text);
    if (e.method != 0)
        return error::format(errc::unsupported, "zip: %s is compressed (method %u): checkpoints are stored", shown.text,
                             static_cast<unsigned>(e.method));
    const auto bad = [&](const char* what) noexcept { return error::format(errc::malformed, "zip: %s %s", shown.text, what); };
    if (e.packed_size != e.size) return bad("is stored, yet has two sizes");
    const std::uint64_t file_size = source.size();
    if (e.header > file_size || file_size - e.header < zip_local_size) return bad("begins outside the file");
    std::byte header[zip_local_size];
    if (error failed = source.read(e.header, sizeof header, header)) return failed;
    if (load<std::uint32_t>(header) != zip_local) return bad("has no header where the directory says");
    begin = e.header + sizeof header + load<std::uint16_t>(header + 26) + load<std::uint16_t>(header + 28);
    if (begin > file_size || e.size > file_size - begin) return bad("ends outside the file");
    return {};
}

}  // namespace checkpoint
CVT_NAMESPACE_END
