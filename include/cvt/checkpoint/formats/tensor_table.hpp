// tensor_table: the names, shapes and file positions of a checkpoint's tensors; the readers of all formats fill it.
#pragma once

#include <algorithm>
#include <cstring>

#include "../../tensor.hpp"
#include "byte_source.hpp"
#include "half.hpp"
#include "name_table.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// Element type in the file. read() converts all of them to float32.
enum class dtype : std::uint8_t { f32, f16, bf16, f64, i64, i32, i16, i8, u8, c64, c128 };

constexpr std::size_t size_of(dtype t) noexcept {
    constexpr std::size_t bytes[]{4, 2, 2, 8, 8, 4, 2, 1, 1, 8, 16};
    return bytes[static_cast<int>(t)];
}

/// Whether elements of this type can be weights by themselves. Bytes need scales (int8_weights.hpp); other integers are counters.
constexpr bool is_floating(dtype t) noexcept { return t == dtype::f32 || t == dtype::f16 || t == dtype::bf16 || t == dtype::f64; }

/// The shape and position of one tensor. Strides are in elements and not negative; all elements are checked to lie inside the
/// file.
struct tensor_entry {
    static constexpr int max_rank = 8;
    dtype type = dtype::f32;
    std::uint8_t rank = 0;
    std::uint16_t shard = 0;  ///< index of its source in tensor_table
    std::int64_t shape[max_rank]{};
    std::int64_t stride[max_rank]{};
    std::uint64_t offset = 0;  ///< of element (0, 0, ...), in bytes from the start of its source

    [[nodiscard]] std::span<const std::int64_t> extents() const noexcept { return {shape, rank}; }
    [[nodiscard]] std::int64_t elements() const noexcept { return detail::count_elements(extents()); }
    /// Sets `stride` to the row-major strides of `shape`.
    void set_contiguous() noexcept {
        std::int64_t step = 1;
        for (int i = rank - 1; i >= 0; --i) {
            stride[i] = step;
            step *= shape[i];
        }
    }
    /// Whether the elements are contiguous in row-major order.
    [[nodiscard]] bool is_contiguous() const noexcept {
        tensor_entry dense = *this;
        dense.set_contiguous();
        for (int i = 0; i < rank; ++i)
            if (shape[i] != 1 && stride[i] != dense.stride[i]) return false;
        return true;
    }
};

template <class T>
T load(const std::byte* from) noexcept {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

inline float to_float(dtype type, const std::byte* from) noexcept {
    switch (type) {
        case dtype::f32: return load<float>(from);
        case dtype::f16: return f16_to_float(load<std::uint16_t>(from));
        case dtype::bf16: return bf16_to_float(load<std::uint16_t>(from));
        case dtype::f64: return static_cast<float>(load<double>(from));
        case dtype::i64: return static_cast<float>(load<std::int64_t>(from));
        case dtype::i32: return static_cast<float>(load<std::int32_t>(from));
        case dtype::i16: return static_cast<float>(load<std::int16_t>(from));
        case dtype::i8: return static_cast<float>(load<std::int8_t>(from));
        case dtype::c64:
        case dtype::c128:  // no reader adds complex tensors
        case dtype::u8: break;
    }
    return static_cast<float>(load<std::uint8_t>(from));
}

/// The axes with an extent other than 1, by stride, largest first.
struct axis_order {
    int count = 0;
    int axis[tensor_entry::max_rank]{};

    explicit axis_order(const tensor_entry& e) noexcept {
        for (int i = 0; i < e.rank; ++i) {
            if (e.shape[i] == 1) continue;
            int at = count++;
            for (; at > 0 && e.stride[axis[at - 1]] < e.stride[i]; --at) axis[at] = axis[at - 1];
            axis[at] = i;
        }
    }
};

/// Whether elements overlap. Reading those in file order would go back and forth, and no weights are stored this way. The entry must
/// have elements, and the index of the farthest must not overflow.
inline bool elements_overlap(const tensor_entry& e) noexcept {
    const axis_order order(e);
    std::int64_t reach = 0;
    for (int i = order.count - 1; i >= 0; --i) {
        const std::int64_t step = e.stride[order.axis[i]];
        if (step == 0) continue;
        if (step <= reach) return true;
        reach += step * (e.shape[order.axis[i]] - 1);
    }
    return false;
}

/// The tensors of one checkpoint, from one file or several shards. Only the table is in memory; read() reads the elements
/// of a tensor.
class tensor_table {
public:
    static constexpr std::size_t max_shards = 1024;
    static constexpr std::size_t max_tensors = 1 << 17;
    static constexpr std::size_t max_name = 1 << 16;

    tensor_table() noexcept = default;
    tensor_table(tensor_table&&) noexcept = default;
    tensor_table& operator=(tensor_table&& other) noexcept {
        if (this == &other) return *this;
        this->~tensor_table();
        return *::new (static_cast<void*>(this)) tensor_table(std::move(other));
    }
    ~tensor_table() {
        for (byte_source* s : sources_) delete s;
    }

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] const tensor_entry& entry(std::size_t i) const noexcept { return entries_[i]; }
    /// Returns the name as in the file.
    [[nodiscard]] std::string_view name(std::size_t i) const noexcept { return names_[i]; }
    /// Returns the number of the tensor called `name`, or -1.
    [[nodiscard]] std::ptrdiff_t find(std::string_view name) const noexcept { return names_.find(name); }

    /// Reads tensor `i` as float32, row-major, into `out` (elements() floats). Converts F16, BF16, integers, and F64 with
    /// rounding to nearest. Errors: io.
    error read(std::size_t i, float* out) const noexcept {
        const tensor_entry& entry = entries_[i];
        if (entry.elements() == 0) return {};
        const error e = entry.is_contiguous() ? read_contiguous(entry, out) : read_strided(entry, out);
        return e ? error_of(name(i), e.code(), e.what()) : error{};
    }

    /// Adds the file of a shard and returns its number. For the readers of the formats.
    result<std::uint16_t> add_source(byte_source&& source) noexcept {
        if (sources_.size() >= max_shards) return error::format(errc::unsupported, "the checkpoint has more than %zu shards", max_shards);
        auto* kept = new (std::nothrow) byte_source(std::move(source));
        if (kept == nullptr || !sources_.push_back(kept)) {
            delete kept;
            return error::out_of_memory("a checkpoint shard", sizeof(byte_source));
        }
        return static_cast<std::uint16_t>(sources_.size() - 1);
    }
    [[nodiscard]] const byte_source& source(std::uint16_t shard) const noexcept { return *sources_[shard]; }
    [[nodiscard]] std::size_t sources() const noexcept { return sources_.size(); }
    /// Adds an entry under a copy of `name`. Errors: out_of_memory; malformed (a duplicate name, elements outside the source);
    /// unsupported (strides that make elements overlap, a limit exceeded).
    error add(std::string_view name, tensor_entry entry) noexcept {
        if (error e = check(name, entry)) return e;
        // The entry comes first: otherwise find() could return a name without an entry.
        if (!entries_.push_back(entry)) return error::out_of_memory("the table of tensors", entries_.size() * 2 * sizeof(tensor_entry));
        error e = names_.add(name);
        if (e) (void)entries_.resize(entries_.size() - 1);
        return e;
    }

    /// Notes a tensor of the file that cannot be read, and why (cut after 95 bytes).
    error add_unread(std::string_view name, const char* why) noexcept {
        reason r;
        std::snprintf(r.text, sizeof r.text, "%.95s", why);
        if (!unread_.push_back(r)) return error::out_of_memory("the table of tensors", unread_.size() * 2 * sizeof(reason));
        error e = unread_names_.add(name);
        if (e) (void)unread_.resize(unread_.size() - 1);
        return e;
    }
    /// Sets a one-line summary of the file's other contents, "" if there are none. Cut after 399 bytes.
    void set_beside(const char* text) noexcept { std::snprintf(beside_, sizeof beside_, "%.399s", text); }
    [[nodiscard]] const char* beside() const noexcept { return beside_; }

    [[nodiscard]] std::size_t unread() const noexcept { return unread_.size(); }
    [[nodiscard]] std::string_view unread_name(std::size_t i) const noexcept { return unread_names_[i]; }
    [[nodiscard]] const char* unread_reason(std::size_t i) const noexcept { return unread_[i].text; }
    /// Returns why the tensor called `name` was not read, or null if there is no such note.
    [[nodiscard]] const char* why_unread(std::string_view name) const noexcept {
        const std::ptrdiff_t i = unread_names_.find(name);
        return i < 0 ? nullptr : unread_[static_cast<std::size_t>(i)].text;
    }

private:
    error check(std::string_view name, const tensor_entry& e) const noexcept {
        const auto bad = [name](errc code, const char* what) noexcept { return error_of(name, code, what); };
        if (name.size() > max_name) return bad(errc::unsupported, "the name is longer than 65536 bytes");
        if (entries_.size() >= max_tensors) return bad(errc::unsupported, "the checkpoint has more than 131072 tensors");
        if (e.rank > tensor_entry::max_rank) return bad(errc::unsupported, "more than 8 dimensions");
        if (e.shard >= sources_.size()) return bad(errc::malformed, "refers to a shard that does not exist");

        const std::uint64_t file_bytes = source(e.shard).size();
        if (e.offset > file_bytes) return bad(errc::malformed, "begins past the end of the file");
        bool empty = false;
        for (int i = 0; i < e.rank; ++i) {
            if (e.shape[i] < 0 || e.stride[i] < 0) return bad(errc::malformed, "has a negative size or stride");
            empty = empty || e.shape[i] == 0;
        }
        if (empty) return {};

        // Every factor is checked against the file's size before the multiplication. A tensor must not be larger than its file
        // either, which stride 0 would allow: a small file must not request gigabytes.
        const std::uint64_t max_elements = file_bytes / size_of(e.type);
        std::uint64_t elements = 1, last = 0;
        for (int i = 0; i < e.rank; ++i) {
            const auto extent = static_cast<std::uint64_t>(e.shape[i]), step = static_cast<std::uint64_t>(e.stride[i]);
            if (extent > max_elements / elements) return bad(errc::malformed, "has more elements than its file can hold");
            elements *= extent;
            if (extent == 1) continue;
            if (step > (max_elements - last) / (extent - 1)) return bad(errc::malformed, "extends past the end of the file");
            last += step * (extent - 1);
        }
        if (last >= (file_bytes - e.offset) / size_of(e.type)) return bad(errc::malformed, "extends past the end of the file");

        if (elements_overlap(e)) return bad(errc::unsupported, "its strides make elements overlap");
        return {};
    }

    error read_contiguous(const tensor_entry& entry, float* out) const noexcept {
        const byte_source& from = source(entry.shard);
        const auto count = static_cast<std::size_t>(entry.elements());
        if (entry.type == dtype::f32) return from.read(entry.offset, count * sizeof(float), out);
        // Converts block by block, so that the tensor needs no second copy.
        std::byte block[32768];
        const std::size_t width = size_of(entry.type), per_block = sizeof block / width;
        for (std::size_t done = 0, n = 0; done < count; done += n) {
            n = std::min(count - done, per_block);
            if (error e = from.read(entry.offset + done * width, n * width, block)) return e;
            for (std::size_t j = 0; j < n; ++j) out[done + j] = to_float(entry.type, block + j * width);
        }
        return {};
    }

    /// Reads the elements in file order, through a window that only moves forward, and scatters them to `out`. A transposed
    /// tensor takes one pass over its bytes.
    error read_strided(const tensor_entry& entry, float* out) const noexcept {
        const byte_source& from = source(entry.shard);
        const axis_order order(entry);
        tensor_entry dense = entry;  // the layout of `out`
        dense.set_contiguous();
        const std::size_t width = size_of(entry.type);
        // The length of a run of elements close to each other. Reading past it to a distant element would waste time.
        std::uint64_t run = width;
        for (int i = order.count - 1; i >= 0; --i) {
            const std::uint64_t next = static_cast<std::uint64_t>(entry.stride[order.axis[i]]) * width;
            if (next > run + 512) break;
            run += next * static_cast<std::uint64_t>(entry.shape[order.axis[i]] - 1);
        }
        std::byte window[32768];
        const std::size_t max_window = run < sizeof window ? static_cast<std::size_t>(run) : sizeof window;
        std::uint64_t window_at = 0;
        std::size_t window_size = 0;
        std::int64_t index[tensor_entry::max_rank]{}, element = 0, place = 0;
        for (std::int64_t left = entry.elements(); left > 0; --left) {
            const std::uint64_t at = entry.offset + static_cast<std::uint64_t>(element) * width;
            if (at < window_at || at + width > window_at + window_size) {
                const std::uint64_t rest = from.size() - at;
                window_at = at;
                window_size = rest < max_window ? static_cast<std::size_t>(rest) : max_window;
                if (error e = from.read(window_at, window_size, window)) return e;
            }
            out[place] = to_float(entry.type, window + static_cast<std::size_t>(at - window_at));
            for (int i = order.count - 1; i >= 0; --i) {
                const int axis = order.axis[i];
                element += entry.stride[axis];
                place += dense.stride[axis];
                if (++index[axis] < entry.shape[axis]) break;
                element -= entry.stride[axis] * entry.shape[axis];
                place -= dense.stride[axis] * entry.shape[axis];
                index[axis] = 0;
            }
        }
        return {};
    }

    detail::buffer<byte_source*> sources_;
    detail::buffer<tensor_entry> entries_;
    name_table names_;  // numbered as entries_

    struct reason {
        char text[96];
    };
    name_table unread_names_;
    detail::buffer<reason> unread_;
    char beside_[400] = "";
};

}  // namespace checkpoint
CVT_NAMESPACE_END
