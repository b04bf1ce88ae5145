-- Which log these read models were made from: one row. Those of another log are of no use.
CREATE TABLE source (
    incarnation UUID PRIMARY KEY
);
