#include <boost/json/serialize.hpp>

#include "cli/output.h"
#include "cli/verbs.h"
#include "services/common/config/resource_schema.h"

// schema: what resource files may hold, for editors.
namespace penstock::cli {

void AddSchemaVerb(Verbs& verbs) {
  verbs.Add("schema", "Print JSON Schema of resource files, for editors",
            "penstock schema >penstock.schema.json", [] {
              Print(PrettyJson(boost::json::serialize(ResourceSchema())));
              return ExitCode::kDone;
            });
}

}  // namespace penstock::cli
