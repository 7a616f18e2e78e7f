// folder_listing: what a folder holds in place of weights with the usual names.
#pragma once

#include "../../text.hpp"
#include "file_path.hpp"
#include "folder_reader.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// The weight files and folders in a folder without model.safetensors and pytorch_model.bin.
struct folder_listing {
    int weights = 0, folders = 0;
    int error_number = 0;                 ///< the errno of an error that ended the listing
    detail::text_list<200> weight_names;  ///< as many as fit
    char folder_name[256] = "";           ///< the first folder, preferably the Hub's snapshots or a Trainer's checkpoint

    explicit folder_listing(const char* folder) noexcept {
        folder_reader reader(folder);
        while (const char* const name = reader.next())
            if (name[0] != '.') add(file_path(folder, name), name);
        error_number = reader.error_number();
    }

private:
    static bool is_nested(std::string_view name) noexcept {
        return detail::same_text(name, "snapshots") || name.starts_with("checkpoint-");
    }
    void add(const file_path& path, std::string_view name) noexcept {
        if (kind_of(path.c_str()) == path_kind::folder) {
            if (folders++ == 0 || (is_nested(name) && !is_nested(folder_name)))
                std::snprintf(folder_name, sizeof folder_name, "%.*s", static_cast<int>(name.size()), name.data());
            return;
        }
        bool is_weights = false;
        for (const std::string_view ending : {".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".tar"})
            is_weights = is_weights || name.ends_with(ending);
        // Files that transformers' Trainer writes beside the weights.
        for (const std::string_view other : {"optimizer.pt", "scheduler.pt", "scaler.pt", "training_args.bin", "optimizer.bin"})
            is_weights = is_weights && !detail::same_text(name, other);
        is_weights = is_weights && !name.starts_with("rng_state");
        if (!is_weights) return;
        ++weights;
        weight_names.add(", ", "%.*s", static_cast<int>(name.size()), name.data());
    }
};

}  // namespace checkpoint
CVT_NAMESPACE_END
