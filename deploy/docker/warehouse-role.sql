-- The warehouse, and the role that reads it; /secrets is a mounted Secret.
\set reader_password `cat /secrets/warehouse_password`
CREATE ROLE penstock_reader LOGIN PASSWORD :'reader_password';
CREATE DATABASE warehouse;
\connect warehouse
CREATE SCHEMA marts;
GRANT USAGE ON SCHEMA marts TO penstock_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA marts GRANT SELECT ON TABLES TO penstock_reader;
\i /usr/share/penstock/warehouse.sql
