#include "services/loader/app/loader_app.h"

int main(int argc, char** argv) {
  return penstock::loader::RunLoader(argc, argv);
}
