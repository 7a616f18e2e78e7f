// Finds the entries of an uncompressed zip file, as torch.save writes it, with zip64.
#pragma once

#include <algorithm>

#include "../../runtime/sort.hpp"
#include "tensor_table.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// The central directory of a zip file (PKWARE APPNOTE 6.3). Sizes come from the directory only: torch leaves those in the
/// local headers zero and writes data descriptors.
class zip_directory {
public:
    static constexpr std::size_t max_entries = 1U << 18;
    static constexpr std::size_t max_bytes = 64U << 20;  ///< of the directory
    static constexpr std::size_t max_name = 1024;

    struct entry {
        std::string_view name;
        std::uint16_t method = 0, flags = 0;
        std::uint64_t header = 0, packed_size = 0, size = 0;
    };

    /// Reads the directory. Errors: io; out_of_memory; malformed (no directory, one that does not fit the file, duplicate names);
    /// unsupported (several disks, a limit exceeded).
    error open(const byte_source& source) noexcept {
        std::uint64_t at = 0, said_size = 0, said_count = 0;
        if (error e = find_directory(source, at, said_size, said_count)) return e;
        if (said_count > max_entries || said_size > max_bytes)
            return error::format(errc::unsupported, "zip: %llu entries in a directory of %llu bytes: more than a checkpoint needs",
                                 static_cast<unsigned long long>(said_count), static_cast<unsigned long long>(said_size));
        const auto size = static_cast<std::size_t>(said_size), count = static_cast<std::size_t>(said_count);
        if (count > size / central_size) return bad("more entries than its directory can hold");
        if (!bytes_.resize(size) || !entries_.resize(count)) return error::out_of_memory("the zip directory", size + count * sizeof(entry));
        if (error e = source.read(at, size, bytes_.data())) return e;
        if (error e = parse()) return e;
        detail::sort(entries_, [](const entry& a, const entry& b) { return detail::precedes(a.name, b.name); });
        for (std::size_t i = 1; i < count; ++i)
            if (detail::same_text(entries_[i].name, entries_[i - 1].name))
                return error::format(errc::malformed, "zip: two entries are named %s", printable{entries_[i].name}.text);
        return {};
    }

    [[nodiscard]] const detail::buffer<entry>& entries() const noexcept { return entries_; }
    /// Returns the entry called `wanted`, or null.
    [[nodiscard]] const entry* find(std::string_view wanted) const noexcept {
        const auto before = [](const entry& e, std::string_view name) { return detail::precedes(e.name, name); };
        const entry* const place = std::lower_bound(entries_.begin(), entries_.end(), wanted, before);
        return place != entries_.end() && detail::same_text(place->name, wanted) ? place : nullptr;
    }
    /// Sets `begin` to the offset of the data of entry `e`, all of which lie in the file. Errors: io; malformed; unsupported
    /// (compressed, encrypted).
    static error locate(const byte_source& source, const entry& e, std::uint64_t& begin) noexcept {
        const printable shown{e.name};
        if ((e.flags & 1) != 0) return error::format(errc::unsupported, "zip: %s is encrypted", shown.text);
        if (e.method != 0)
            return error::format(errc::unsupported, "zip: %s is compressed (method %u), expected an uncompressed entry", shown.text,
                                 unsigned{e.method});
        const auto bad = [&](const char* what) noexcept { return error::format(errc::malformed, "zip: %s %s", shown.text, what); };
        if (e.packed_size != e.size) return bad("is uncompressed, but its two sizes differ");
        if (e.header > source.size() || source.size() - e.header < local_size) return bad("begins outside the file");
        std::byte header[local_size];
        if (error failed = source.read(e.header, sizeof header, header)) return failed;
        if (load<std::uint32_t>(header) != local_mark) return bad("has no header at the offset that the directory gives");
        begin = e.header + sizeof header + load<std::uint16_t>(header + 26) + load<std::uint16_t>(header + 28);
        if (begin > source.size() || e.size > source.size() - begin) return bad("ends outside the file");
        return {};
    }

private:
    static constexpr std::uint32_t local_mark = 0x04034b50, central_mark = 0x02014b50, end_mark = 0x06054b50;
    static constexpr std::uint32_t end64_mark = 0x06064b50, locator64_mark = 0x07064b50;
    static constexpr std::size_t local_size = 30, central_size = 46, end_size = 22, end64_size = 56, locator64_size = 20;

    static error bad(const char* what) noexcept { return error::format(errc::malformed, "zip: %s", what); }
    static error several_disks() noexcept { return error::format(errc::unsupported, "zip: archives of several disks are not supported"); }

    static error find_directory(const byte_source& source, std::uint64_t& at, std::uint64_t& size, std::uint64_t& count) noexcept {
        constexpr std::size_t max_tail = end_size + 0xFFFF;
        const std::uint64_t file_size = source.size();
        const std::size_t tail_size = file_size < max_tail ? static_cast<std::size_t>(file_size) : max_tail;
        if (tail_size < end_size) return bad("the file is truncated");
        detail::buffer<std::byte> tail;
        if (!tail.resize(tail_size)) return error::out_of_memory("the end of the zip file", tail_size);
        if (error e = source.read(file_size - tail_size, tail_size, tail.data())) return e;
        // A comment of up to 64 KiB may follow the record; it must end exactly at the end of the file.
        std::size_t found = tail_size - end_size;
        while (load<std::uint32_t>(&tail[found]) != end_mark || found + end_size + load<std::uint16_t>(&tail[found + 20]) != tail_size)
            if (found-- == 0) return bad("its directory is missing (an incomplete download?)");

        std::uint64_t end = file_size - tail_size + found;
        const std::byte* const record = &tail[found];
        std::uint32_t disks = load<std::uint32_t>(record + 4);  // two 16-bit disk numbers
        count = load<std::uint16_t>(record + 10);
        size = load<std::uint32_t>(record + 12);
        at = load<std::uint32_t>(record + 16);
        std::byte locator[locator64_size], large[end64_size];
        if (end >= sizeof locator)
            if (error e = source.read(end - sizeof locator, sizeof locator, locator)) return e;
        if (end >= sizeof locator && load<std::uint32_t>(locator) == locator64_mark) {
            const std::uint64_t end64 = load<std::uint64_t>(locator + 8), max_end = end - sizeof locator;
            if (end64 > max_end || max_end - end64 < sizeof large) return bad("its zip64 record is outside the file");
            if (error e = source.read(end64, sizeof large, large)) return e;
            if (load<std::uint32_t>(large) != end64_mark) return bad("its zip64 record is missing");
            disks = load<std::uint32_t>(large + 16) | load<std::uint32_t>(large + 20);
            count = load<std::uint64_t>(large + 32);
            size = load<std::uint64_t>(large + 40);
            at = load<std::uint64_t>(large + 48);
            end = end64;
        }
        if (disks != 0) return several_disks();
        if (at > end || size > end - at) return bad("its directory is outside the file");
        return {};
    }

    error parse() noexcept {
        std::size_t at = 0;
        for (entry& e : entries_) {
            const auto damaged = [&]() noexcept {
                return error::format(errc::malformed, "zip: entry %td of its directory is damaged", &e - entries_.begin());
            };
            const std::byte* const record = bytes_.data() + at;
            if (bytes_.size() - at < central_size || load<std::uint32_t>(record) != central_mark) return damaged();
            e = {{reinterpret_cast<const char*>(record) + central_size, load<std::uint16_t>(record + 28)},
                 load<std::uint16_t>(record + 10),
                 load<std::uint16_t>(record + 8),
                 load<std::uint32_t>(record + 42),
                 load<std::uint32_t>(record + 20),
                 load<std::uint32_t>(record + 24)};
            const std::size_t extra_at = central_size + e.name.size(), extra_size = load<std::uint16_t>(record + 30);
            const std::size_t whole = extra_at + extra_size + load<std::uint16_t>(record + 32);
            std::uint32_t disk = load<std::uint16_t>(record + 34);
            if (whole > bytes_.size() - at || !read_zip64(record + extra_at, extra_size, e, disk)) return damaged();
            if (e.name.size() > max_name) return error::format(errc::unsupported, "zip: an entry name is longer than %zu bytes", max_name);
            if (disk != 0) return several_disks();
            at += whole;
        }
        return at != bytes_.size() ? bad("its directory is longer than its entries") : error{};
    }

    /// Reads from the zip64 field the values that exceed the 32-bit fields. False if a value is needed but missing.
    static bool read_zip64(const std::byte* extra, std::size_t size, entry& e, std::uint32_t& disk) noexcept {
        const std::byte* field = nullptr;
        std::size_t left = 0;
        for (std::size_t at = 0; at < size && field == nullptr; at += 4 + left) {
            if (size - at < 4) return false;
            left = load<std::uint16_t>(extra + at + 2);
            if (left > size - at - 4) return false;
            if (load<std::uint16_t>(extra + at) == 1) field = extra + at + 4;
        }
        if (field == nullptr) left = 0;
        for (std::uint64_t* value : {&e.size, &e.packed_size, &e.header}) {
            if (*value != 0xFFFFFFFF) continue;
            if (left < 8) return false;
            *value = load<std::uint64_t>(field);
            field += 8;
            left -= 8;
        }
        if (disk != 0xFFFF) return true;
        if (left < 4) return false;
        disk = load<std::uint32_t>(field);
        return true;
    }

    detail::buffer<std::byte> bytes_;  // the directory; names point into it
    detail::buffer<entry> entries_;    // sorted by name
};

}  // namespace checkpoint
CVT_NAMESPACE_END
